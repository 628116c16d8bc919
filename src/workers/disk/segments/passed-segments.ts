/**
 * The segments that a queue's reader has left and that are not removed yet, oldest first; and how they are removed. A
 * segment in which damage was found is kept under another name, for the operator. The sidecars of a segment go later:
 * a crash may bring the segment back for as long as nothing durable says that it is gone, and then they tell what of it
 * is finished.
 *
 * Thread: disk.
 */

import { LOG_ERROR, LOG_WARNING } from '../files/disk-log.ts';
import { errorText } from '../files/file-error.ts';
import type { QueueContext } from '../queue-context.ts';
import type { RecordNotes } from '../states/record-notes.ts';

/** A segment that the reader has left. */
export interface PassedSegment {
  readonly segment: number;
  readonly sizeBytes: number;
  readonly isDamaged: boolean;
}

export class PassedSegments {
  readonly #source: QueueContext;
  readonly #notes: RecordNotes;
  #segments: PassedSegment[] = [];
  /** Segments that are removed, and whose sidecars are not. */
  #removed: number[] = [];

  constructor(source: QueueContext, notes: RecordNotes) {
    this.#source = source;
    this.#notes = notes;
  }

  get oldest(): PassedSegment | undefined {
    return this.#segments.at(0);
  }

  get count(): number {
    return this.#segments.length;
  }

  get sizeBytes(): number {
    return this.#segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  add(passed: PassedSegment): void {
    this.#segments.push(passed);
  }

  /**
   * Removes the segments before this one. Returns whether there were any. Errors: logged, as nobody waits for it; the
   * next call tries again.
   */
  removeBefore(segment: number): boolean {
    let count = 0;
    while (count < this.#segments.length && this.#segments[count].segment < segment) {
      if (!this.#remove(this.#segments[count])) break;
      count++;
    }
    if (count > 0) this.#segments = this.#segments.slice(count);
    return count > 0;
  }

  /** Segments that were removed earlier, and whose sidecars are not. */
  addRemoved(segments: readonly number[]): void {
    this.#removed.push(...segments);
  }

  /** Removes what lies beside segments that are gone for good. Errors: logged. */
  removeSidecars(): void {
    for (const segment of this.#removed) removeSidecars(this.#source, this.#notes, segment);
    this.#removed = [];
  }

  /** Forgets all of them, as they are removed. */
  clear(): void {
    this.#segments = [];
    this.#removed = [];
  }

  /** Returns whether that was possible. */
  #remove(passed: PassedSegment): boolean {
    const { openFiles, files, log } = this.#source;
    const path = files.segment(passed.segment);
    try {
      if (passed.isDamaged) openFiles.rename(path, this.#damagedPath(passed.segment));
      else openFiles.remove(path);
    } catch (error) {
      log(LOG_ERROR, `failed to remove segment ${passed.segment} - ${errorText(error)}`);
      return false;
    }
    this.#removed.push(passed.segment);
    return true;
  }

  /** A name that no damaged segment has: the same number may have been damaged before. */
  #damagedPath(segment: number): string {
    const { openFiles, files } = this.#source;
    const path = files.damagedSegment(segment);
    if (openFiles.size(path) === 'missing') return path;
    let copy = 1;
    while (openFiles.size(`${path}.${copy}`) !== 'missing') copy++;
    return `${path}.${copy}`;
  }
}

/** Removes what lies beside a segment that is gone. Errors: logged, as it does no harm. */
export function removeSidecars(source: QueueContext, notes: RecordNotes, segment: number): void {
  notes.remove(segment);
  try {
    source.openFiles.remove(source.files.sums(segment));
  } catch (error) {
    source.log(
      LOG_WARNING,
      `failed to remove the checksums of segment ${segment} - ${errorText(error)}`,
    );
  }
}
