/**
 * The segments that a queue's reader has passed and that still exist, oldest first. A segment is released when all of
 * its records are finished, and removed once durable metadata begins after it; so if a segment that metadata names is
 * missing, it was lost. A damaged segment is kept under another name, for the operator. The sidecars of a segment are
 * removed last, after its removal is durable: a crash may restore the segment, and the sidecars then tell that it was
 * finished.
 *
 * Thread: disk.
 */

import { LOG_ERROR, LOG_WARNING } from '../files/disk-log.ts';
import { errorWithCauses } from '../files/file-error.ts';
import type { QueueContext } from '../queue-context.ts';
import type { RecordStates } from '../states/record-states.ts';

/** A segment that the reader has passed. */
export interface PassedSegment {
  readonly segment: number;
  readonly sizeBytes: number;
  readonly isDamaged: boolean;
}

export class PassedSegments {
  readonly #source: QueueContext;
  readonly #states: RecordStates;
  #segments: PassedSegment[] = [];
  /** Segments that may be removed. */
  #released: PassedSegment[] = [];
  /** Removed segments whose sidecars still exist. */
  #removed: number[] = [];

  constructor(source: QueueContext, states: RecordStates) {
    this.#source = source;
    this.#states = states;
  }

  /** The oldest segment that is not released. */
  get oldest(): PassedSegment | undefined {
    return this.#segments.at(0);
  }

  /** The number of the first segment that may be on disk. */
  get first(): number | undefined {
    return (this.#released.at(0) ?? this.#segments.at(0))?.segment;
  }

  /** How many segments are not released. */
  get count(): number {
    return this.#segments.length;
  }

  /** The bytes of those. */
  get sizeBytes(): number {
    return this.#segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  /** Whether released segments wait for their removal. */
  get hasReleased(): boolean {
    return this.#released.length > 0;
  }

  add(passed: PassedSegment): void {
    this.#segments.push(passed);
  }

  /** Releases the segments before this one. Returns whether there were any. */
  releaseBefore(segment: number): boolean {
    let count = 0;
    while (count < this.#segments.length && this.#segments[count].segment < segment) count++;
    if (count === 0) return false;
    this.#released.push(...this.#segments.slice(0, count));
    this.#segments = this.#segments.slice(count);
    return true;
  }

  /** Adds segments that were released earlier and may have files left. */
  addReleased(segments: readonly number[]): void {
    for (const segment of segments) {
      this.#released.push({ segment, sizeBytes: 0, isDamaged: false });
    }
  }

  /**
   * Removes released segments before this one. Returns whether there were any. Errors: logged; the next call tries
   * again.
   */
  removeReleased(end: number): boolean {
    let count = 0;
    while (count < this.#released.length && this.#released[count].segment < end) {
      if (!this.#remove(this.#released[count])) break;
      count++;
    }
    if (count > 0) this.#released = this.#released.slice(count);
    return count > 0;
  }

  /** Removes the sidecars of segments whose removal is durable. Errors: logged. */
  removeSidecars(): void {
    for (const segment of this.#removed) removeSidecars(this.#source, this.#states, segment);
    this.#removed = [];
  }

  /** Drops all entries, since the segments are removed. */
  clear(): void {
    this.#segments = [];
    this.#released = [];
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
      log(LOG_ERROR, `failed to remove segment ${passed.segment} - ${errorWithCauses(error)}`);
      return false;
    }
    this.#removed.push(passed.segment);
    return true;
  }

  /** A free name: a segment with the same number may have been damaged before. */
  #damagedPath(segment: number): string {
    const { openFiles, files } = this.#source;
    const path = files.damagedSegment(segment);
    if (openFiles.size(path) === 'missing') return path;
    let copy = 1;
    while (openFiles.size(`${path}.${copy}`) !== 'missing') copy++;
    return `${path}.${copy}`;
  }
}

/** Removes the sidecars of a removed segment. Errors: logged, since they do no harm. */
export function removeSidecars(source: QueueContext, states: RecordStates, segment: number): void {
  states.remove(segment);
  try {
    source.openFiles.remove(source.files.checksums(segment));
  } catch (error) {
    source.log(
      LOG_WARNING,
      `failed to remove the checksums of segment ${segment} - ${errorWithCauses(error)}`,
    );
  }
}
