/**
 * The reading end of a disk queue: hands out records ahead of their release, passes what is damaged, and removes
 * the segments of which everything is released.
 *
 *     segment 3                  segment 4              segment 5
 *     [ released | handed out ]  [ handed out | unread ]  [ unread |
 *                ^ oldest                     ^ read-ahead          ^ the writer's position
 *
 * Damage: a record whose size is possible and whose id is none costs only itself. Where the size is impossible,
 * or the record does not end before its segment does, nobody can tell where the next one begins: the rest of the
 * segment is lost. Either way the file is kept as `.bad` when its good records are released.
 *
 * Errors: a call that throws has changed nothing and may be tried again.
 * Thread: disk.
 * Source: go-diskqueue `readOne`, `moveForward`, `handleReadError`, `checkTailCorruption`.
 */

import { type DiskLog, LOG_ERROR, LOG_WARNING } from './disk-log.ts';
import { hasMessageId, RECORD_BYTES_MIN, recordSize } from './disk-record.ts';
import { errorText } from './file-error.ts';
import { HandedOut } from './handed-out.ts';
import type { OpenFiles } from './open-files.ts';
import type { QueueFiles } from './queue-files.ts';
import {
  checkDataPath,
  countBetween,
  nextSegmentOf,
  type QueuePlace,
  type RecoverySource,
} from './queue-recovery.ts';
import type { SegmentWriter } from './segment-writer.ts';

/** What one call of `read` has put into its target. */
export interface ReadBatch {
  readonly count: number;
  readonly bytes: number;
}

/** What a reader is made of. */
export interface SegmentReaderOptions {
  /** Where to look for what damage has left. */
  readonly source: RecoverySource;
  /** Says where the records end. */
  readonly writer: SegmentWriter;
}

/** A segment that the read-ahead has left and that is not removed yet. */
interface PassedSegment {
  readonly segment: number;
  readonly isDamaged: boolean;
}

/** Room for the part of a record that tells whether it is one. One for the thread: reading is never interrupted. */
const front = Buffer.allocUnsafeSlow(RECORD_BYTES_MIN);

export class SegmentReader {
  readonly #source: RecoverySource;
  readonly #writer: SegmentWriter;
  readonly #openFiles: OpenFiles;
  readonly #files: QueueFiles;
  readonly #log: DiskLog;
  readonly #handedOut = new HandedOut();

  /** The read-ahead: where the next record to hand out lies. */
  #segment: number;
  #position: number;
  /** Whether damage was found in the read-ahead's segment. */
  #isDamaged = false;
  #passed: PassedSegment[] = [];
  #unread: number;

  constructor(options: SegmentReaderOptions, place: QueuePlace, unread: number) {
    this.#source = options.source;
    this.#writer = options.writer;
    this.#openFiles = options.source.openFiles;
    this.#files = options.source.files;
    this.#log = options.source.log;
    this.#segment = place.segment;
    this.#position = place.position;
    this.#unread = unread;
    this.#boundUnread();
  }

  /** Records not handed out, as far as is known; 0 only if there is none. */
  get unread(): number {
    return this.#unread;
  }

  /** Records handed out and not released. */
  get unreleased(): number {
    return this.#handedOut.count;
  }

  /** Where the oldest record lies that is not released. */
  get oldest(): QueuePlace {
    return this.#handedOut.oldest ?? { segment: this.#segment, position: this.#position };
  }

  /** Says that the writer has added records. */
  onAppend(count: number): void {
    this.#unread += count;
  }

  /**
   * Looks for the next record, past whatever is damaged. Returns how much room `read` is to be offered: 0 when there
   * is nothing to read, else enough for one record, and no more than `bytesWanted` unless that record is longer.
   */
  prepare(bytesWanted: number): number {
    for (;;) {
      if (this.#isAllRead()) {
        this.#correctUnread();
        return 0;
      }
      const end = this.#segmentEnd();
      if (end === 'missing') this.#loseSegment();
      else if (this.#position >= end) this.#passSegment(end);
      else {
        const size = this.#frontSize(end);
        const known = this.#isInWriteSegment() ? end - this.#position : bytesWanted;
        if (size > 0) {
          this.#unread = Math.max(this.#unread, 1);
          return Math.max(size, Math.min(bytesWanted, known));
        }
      }
    }
  }

  /**
   * Reads the next whole records into the room that `prepare` has asked for. None only if the file has lost bytes
   * since then; `prepare` then tells what is left.
   */
  read(target: Uint8Array, offset: number, room: number): ReadBatch {
    const before = this.#handedOut.count;
    let bytes = 0;
    while (!this.#isAllRead()) {
      const end = this.#segmentEnd();
      if (end === 'missing') break;
      if (this.#position >= end) {
        this.#passSegment(end);
        continue;
      }
      const length = Math.min(end - this.#position, room - bytes);
      if (length < RECORD_BYTES_MIN) break;
      const hasSome = this.#handedOut.count > before;
      const got = this.#readBytes(target, offset + bytes, length, hasSome);
      const taken = this.#handOut(target, offset + bytes, got);
      bytes += taken;
      if (got < length && this.#handedOut.count === before) this.#loseRest(end);
      // No room for the next record, or it is damaged: the next `prepare` tells.
      if (this.#position < end) break;
    }
    const count = this.#handedOut.count - before;
    this.#unread -= count;
    this.#boundUnread();
    return { count, bytes };
  }

  release(count: number): void {
    this.#handedOut.release(count);
  }

  /**
   * Removes the segments of which everything is released; those with damage get another name. Returns whether
   * there were any. Errors: logged, as nobody waits for it; the next call tries again.
   */
  removeFinished(): boolean {
    const { segment } = this.oldest;
    let count = 0;
    while (count < this.#passed.length && this.#passed[count].segment < segment) {
      if (!this.#removePassed(this.#passed[count])) break;
      count++;
    }
    if (count > 0) this.#passed = this.#passed.slice(count);
    return count > 0;
  }

  /** Segments from the oldest on that are not removed. */
  get firstSegment(): number {
    return Math.min(this.oldest.segment, this.#passed.at(0)?.segment ?? this.#segment);
  }

  /** Forgets everything: there are no records before the writer's position. */
  restart(): void {
    this.#handedOut.clear();
    this.#passed = [];
    this.#segment = this.#writer.segment;
    this.#position = this.#writer.position;
    this.#isDamaged = false;
    this.#unread = 0;
  }

  /** Counts what is unread, because nobody knows. Errors: logged, and the number stays an estimate. */
  recount(): void {
    this.#count();
    this.#boundUnread();
  }

  #count(): void {
    try {
      const place = { segment: this.#segment, position: this.#position };
      this.#unread = countBetween(this.#source, place, this.#writer);
    } catch (error) {
      this.#log(LOG_ERROR, `failed to count records, depth is an estimate - ${errorText(error)}`);
    }
  }

  #isInWriteSegment(): boolean {
    return this.#segment === this.#writer.segment;
  }

  #isAllRead(): boolean {
    return this.#isInWriteSegment() && this.#position === this.#writer.position;
  }

  /**
   * Whoever asks only while something is unread must not be told 0 too early, nor be sent for nothing: where the
   * count says 0 and the writer is further ahead, it looks.
   */
  #boundUnread(): void {
    if (this.#unread > 0) return;
    try {
      this.prepare(0);
    } catch (error) {
      this.#log(LOG_WARNING, `failed to look for the next record - ${errorText(error)}`);
      this.#unread = 1;
    }
  }

  #correctUnread(): void {
    if (this.#unread > 0) {
      this.#log(
        LOG_ERROR,
        `depth is too large by ${this.#unread} at the end of the queue, corrected`,
      );
    }
    this.#unread = 0;
  }

  /** As far as the write segment was written, or the size of a segment that was left. */
  #segmentEnd(): number | 'missing' {
    if (this.#isInWriteSegment()) return this.#writer.position;
    return this.#openFiles.size(this.#files.segment(this.#segment));
  }

  /** The size of the next record; 0 when there was damage instead, and it has been passed. */
  #frontSize(end: number): number {
    const left = end - this.#position;
    const path = this.#files.segment(this.#segment);
    const got = this.#openFiles.read(
      path,
      front,
      0,
      Math.min(RECORD_BYTES_MIN, left),
      this.#position,
    );
    if (got === 'missing') {
      this.#loseSegment();
      return 0;
    }
    const size = got < RECORD_BYTES_MIN ? 0 : recordSize(front, 0, this.#source.recordBytesMax);
    if (size === 0 || size > left) {
      this.#loseRest(end);
      return 0;
    }
    if (hasMessageId(front, 0)) return size;
    this.#loseRecord(size);
    return 0;
  }

  /** Reads at the read-ahead. An error counts as nothing read if there are records to show already. */
  #readBytes(target: Uint8Array, offset: number, length: number, hasSome: boolean): number {
    try {
      const path = this.#files.segment(this.#segment);
      const got = this.#openFiles.read(path, target, offset, length, this.#position);
      return got === 'missing' ? 0 : got;
    } catch (error) {
      if (hasSome) return 0;
      throw error;
    }
  }

  /** Takes note of the whole records among what was read, and moves the read-ahead; returns their bytes. */
  #handOut(bytes: Uint8Array, start: number, length: number): number {
    const end = start + length;
    let at = start;
    this.#handedOut.startRun(this.#segment, this.#position);
    while (at + RECORD_BYTES_MIN <= end) {
      const size = recordSize(bytes, at, this.#source.recordBytesMax);
      if (size === 0 || at + size > end || !hasMessageId(bytes, at)) break;
      this.#handedOut.add(size);
      at += size;
    }
    this.#handedOut.endRun();
    this.#position += at - start;
    return at - start;
  }

  /** Goes on with the next segment after the end of this one. */
  #passSegment(end: number): void {
    if (this.#position > end) {
      this.#log(LOG_ERROR, `segment ${this.#segment} ends at ${end}, before ${this.#position}`);
    }
    this.#enterSegment(this.#segment + 1);
  }

  /** A record that is none, between others: only the place of the next one is certain. */
  #loseRecord(size: number): void {
    this.#log(
      LOG_ERROR,
      `segment ${this.#segment}: damaged record at ${this.#position}, ${size} bytes lost`,
    );
    this.#isDamaged = true;
    this.#position += size;
    this.#unread--;
  }

  #loseRest(end: number): void {
    this.#log(
      LOG_ERROR,
      `segment ${this.#segment}: no record at ${this.#position}, ${end - this.#position} bytes lost`,
    );
    this.#isDamaged = true;
    // Nothing may be written behind bytes that nobody can read over.
    if (this.#isInWriteSegment()) this.#writer.leaveSegment();
    this.#enterSegment(this.#segment + 1);
    this.#count();
  }

  /** The segment is not there. A missing directory may come back, so that is an error. */
  #loseSegment(): void {
    checkDataPath(this.#source);
    if (this.#isInWriteSegment()) this.#writer.leaveSegment();
    const next = nextSegmentOf(this.#source, this.#segment) ?? this.#writer.segment;
    this.#log(LOG_ERROR, `segment ${this.#segment} is gone, its records are lost`);
    this.#enterSegment(Math.min(next, this.#writer.segment));
    this.#count();
  }

  #enterSegment(segment: number): void {
    this.#passed.push({ segment: this.#segment, isDamaged: this.#isDamaged });
    this.#segment = segment;
    this.#position = 0;
    this.#isDamaged = false;
  }

  /** A name that no damaged segment has: the same number may have been damaged before. */
  #damagedPath(segment: number): string {
    const path = this.#files.damagedSegment(segment);
    if (this.#openFiles.size(path) === 'missing') return path;
    let copy = 1;
    while (this.#openFiles.size(`${path}.${copy}`) !== 'missing') copy++;
    return `${path}.${copy}`;
  }

  /** Returns whether that was possible. */
  #removePassed(passed: PassedSegment): boolean {
    const path = this.#files.segment(passed.segment);
    try {
      if (passed.isDamaged) this.#openFiles.rename(path, this.#damagedPath(passed.segment));
      else this.#openFiles.remove(path);
      return true;
    } catch (error) {
      this.#log(LOG_ERROR, `failed to remove segment ${passed.segment} - ${errorText(error)}`);
      return false;
    }
  }
}
