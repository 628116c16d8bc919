/**
 * The reading end of a disk queue. It hands out records before earlier ones are finished, skips records that are
 * damaged, finished or already handed out, and passes segments, which can be removed once all of their records are
 * finished.
 *
 *     segment 3              segment 4              segment 5
 *     [ finished | unacked ] [ unacked | unread ]   [ unread |
 *                ^ oldest              ^ cursor              ^ the writer's position
 *
 * Records are numbered as they are handed out. A record that has a state is handed out with the attempts and the due
 * time of the state or, if the state says that it is finished, not at all.
 *
 * Damage: only the damaged record is lost if a checksum detects the damage or if its size is valid. If the size is
 * invalid or reaches beyond the segment, and no checksum tells where the next record begins, the rest of the segment
 * is lost. In each case the file is kept as `.bad` when its intact records are finished.
 *
 * Errors: a call that throws has changed nothing and may be repeated.
 * Thread: disk.
 * Source: go-diskqueue `readOne`, `moveForward`, `handleReadError`, `checkTailCorruption`.
 */

import type { ForeignChecksums } from '../checksums/foreign-checksums.ts';
import { RecordCheck } from '../checksums/record-check.ts';
import { checkDataPath } from '../files/data-path.ts';
import { type DiskLog, LOG_ERROR, LOG_WARNING } from '../files/disk-log.ts';
import { errorWithCauses } from '../files/file-error.ts';
import type { OpenFiles } from '../files/open-files.ts';
import type { QueueFiles } from '../files/queue-files.ts';
import type { QueuePlace } from '../files/queue-place.ts';
import type { QueueContext } from '../queue-context.ts';
import {
  RECORD_BYTES_MIN,
  recordSize,
  storedSize,
  wholeRecordSize,
} from '../records/disk-record.ts';
import type { RecordStates } from '../states/record-states.ts';
import { ReadCursor } from '../unacked/read-cursor.ts';
import type { UnackedRecords } from '../unacked/unacked-records.ts';
import type { UnreadCount } from '../unacked/unread-count.ts';
import { PassedSegments } from './passed-segments.ts';
import { bytesBetween, countBetween, nextSegmentOf } from './segment-span.ts';
import type { SegmentWriter } from './segment-writer.ts';

/** The result of one call of `read`. */
export interface ReadBatch {
  readonly count: number;
  readonly bytes: number;
  /** Number of the first record. */
  readonly first: number;
  /** The due time of each, in Unix ms, 0 for at once; undefined if all are due at once. */
  readonly dueTimes: readonly number[] | undefined;
}

/** The dependencies of a reader. */
export interface SegmentReaderOptions {
  /** The queue, for reading after damage. */
  readonly source: QueueContext;
  /** Determines where the records end. */
  readonly writer: SegmentWriter;
  readonly states: RecordStates;
  readonly unacked: UnackedRecords;
  readonly unread: UnreadCount;
  /** Receives checksums that belong to other records. */
  readonly foreign: ForeignChecksums;
}

export class SegmentReader {
  readonly passed: PassedSegments;

  readonly #source: QueueContext;
  readonly #writer: SegmentWriter;
  readonly #openFiles: OpenFiles;
  readonly #files: QueueFiles;
  readonly #log: DiskLog;
  readonly #states: RecordStates;
  readonly #unacked: UnackedRecords;
  readonly #unread: UnreadCount;

  /** The place of the next record to hand out. */
  readonly #cursor: ReadCursor;
  readonly #check: RecordCheck;
  /** Whether damage was found in the cursor's segment. */
  #isDamaged = false;

  constructor(options: SegmentReaderOptions, place: QueuePlace) {
    this.#source = options.source;
    this.#writer = options.writer;
    this.#openFiles = options.source.openFiles;
    this.#files = options.source.files;
    this.#log = options.source.log;
    this.#states = options.states;
    this.#unacked = options.unacked;
    this.#unread = options.unread;
    this.#check = new RecordCheck(options.source, options.foreign);
    this.passed = new PassedSegments(options.source, options.states);
    const { recordBytesMax } = options.source;
    this.#cursor = new ReadCursor({ ...options, recordBytesMax, check: this.#check }, place);
    this.#boundUnread();
  }

  /** The place of the next record. */
  get place(): QueuePlace {
    return { segment: this.#cursor.segment, position: this.#cursor.position };
  }

  /** Records that the cursor has passed since the queue was opened, finished or not. */
  get ordinal(): number {
    return this.#cursor.ordinal;
  }

  /** The oldest segment that still exists. */
  get firstSegment(): number {
    return this.passed.first ?? this.#cursor.segment;
  }

  /** Whether the next records may have due times. */
  get mayHaveDueTimes(): boolean {
    return !this.#states.isEmpty;
  }

  /**
   * Finds the next record after damaged and finished ones. Returns how much room `read` needs: 0 if there is nothing
   * to read, otherwise enough for one record, and not more than `bytesWanted` unless that record is longer.
   */
  prepare(bytesWanted: number): number {
    this.#check.refresh();
    for (;;) {
      if (this.#isAllRead()) {
        this.#correctUnread();
        return 0;
      }
      const end = this.#segmentEnd();
      if (end === 'missing') this.#loseSegment();
      else if (this.#cursor.position >= end) this.#passSegment(end);
      else if (!this.#cursor.passMoved() && !this.#passFinished(end)) {
        const size = this.#frontSize(end);
        const known = this.#isInWriteSegment() ? end - this.#cursor.position : bytesWanted;
        if (size > 0) {
          this.#unread.hasOne();
          return Math.max(size, Math.min(bytesWanted, known));
        }
      }
    }
  }

  /**
   * Reads the next whole records into the room that `prepare` asked for. It returns none only if the file has lost
   * bytes since then, the first record is damaged, or all of them are finished: call `prepare` again.
   */
  read(target: Uint8Array, offset: number, room: number): ReadBatch {
    const ahead = this.#cursor;
    const { next: first } = this.#unacked;
    ahead.beginBatch();
    let bytes = 0;
    while (!this.#isAllRead()) {
      const hasSome = ahead.count > 0;
      const end = this.#endToRead(hasSome);
      if (end === 'missing') break;
      if (ahead.position >= end) {
        this.#passSegment(end);
        continue;
      }
      const length = Math.min(end - ahead.position, room - bytes);
      if (length < RECORD_BYTES_MIN) break;
      const start = ahead.position;
      const got = this.#readBytes(target, offset + bytes, length, hasSome);
      bytes += ahead.handOut(target, offset + bytes, got);
      if (got < length && ahead.position === start && !hasSome) this.#loseRest(end);
      // The next record does not fit or is damaged; the next `prepare` handles it.
      if (ahead.position < end) break;
    }
    const { count, dueTimes } = ahead;
    this.#boundUnread();
    return { count, bytes, first, dueTimes };
  }

  /** Skips moved records at the cursor, so that the read position does not stay before them. */
  passMoved(): void {
    while (this.#cursor.passMoved());
  }

  /** Starts over: there are no records before the writer's position. */
  restart(): void {
    this.#unacked.clear();
    this.passed.clear();
    this.#cursor.restart(this.#writer);
    this.#isDamaged = false;
    this.#unread.clear();
  }

  /** Records ahead were finished. */
  onFinishedAhead(): void {
    this.#boundUnread();
  }

  /** Counts the unread records. Errors: logged, and the count stays an estimate. */
  recount(): void {
    this.#count();
    this.#boundUnread();
  }

  #count(): void {
    try {
      const count = countBetween(this.#source, this.place, this.#writer);
      this.#unread.recount(count, bytesBetween(this.#source, this.place, this.#writer));
    } catch (error) {
      this.#log(
        LOG_ERROR,
        `failed to count records, depth is an estimate - ${errorWithCauses(error)}`,
      );
    }
  }

  #isInWriteSegment(): boolean {
    return this.#cursor.segment === this.#writer.segment;
  }

  #isAllRead(): boolean {
    return this.#isInWriteSegment() && this.#cursor.position === this.#writer.position;
  }

  /**
   * Pumps read only while the count is above 0, so it must not reach 0 too early, nor stay above 0 at the end. If the
   * count is 0 and the writer is ahead, this looks for the next record.
   */
  #boundUnread(): void {
    if (this.#unread.live > 0) return;
    try {
      this.prepare(0);
    } catch (error) {
      this.#log(LOG_WARNING, `failed to look for the next record - ${errorWithCauses(error)}`);
      this.#unread.hasOne();
    }
  }

  #correctUnread(): void {
    const excess = this.#unread.clear();
    if (excess === 0) return;
    this.#log(LOG_ERROR, `depth is too large by ${excess} at the end of the queue, corrected`);
  }

  /** The write position in the write segment; the file size of any other. */
  #segmentEnd(): number | 'missing' {
    if (this.#isInWriteSegment()) return this.#writer.position;
    return this.#openFiles.size(this.#files.segment(this.#cursor.segment));
  }

  /** As `#segmentEnd`. If the batch already has records, an error counts as a missing segment. */
  #endToRead(hasSome: boolean): number | 'missing' {
    try {
      return this.#segmentEnd();
    } catch (error) {
      if (hasSome) return 'missing';
      throw error;
    }
  }

  /** Skips finished records at the cursor. Returns whether there were any, or damage that was skipped. */
  #passFinished(end: number): boolean {
    if (!this.#cursor.isKnownFinished) return false;
    const size = this.#frontSize(end);
    if (size === 0) return true;
    const { records } = this.#openFiles.scratch;
    const bytes = size > records.length ? Buffer.allocUnsafe(size) : records;
    const length = Math.min(bytes.length, end - this.#cursor.position);
    return this.#cursor.passFinished(bytes, this.#readBytes(bytes, 0, length, false));
  }

  /** The size of the next record; 0 if there was damage, which is then skipped. */
  #frontSize(end: number): number {
    const left = end - this.#cursor.position;
    const path = this.#files.segment(this.#cursor.segment);
    const got = this.#openFiles.read(
      path,
      this.#openFiles.scratch.front,
      0,
      Math.min(RECORD_BYTES_MIN, left),
      this.#cursor.position,
    );
    if (got === 'missing') {
      this.#loseSegment();
      return 0;
    }
    return got < RECORD_BYTES_MIN ? this.#loseRest(end) : this.#checkFront(end);
  }

  /** As `#frontSize`, after the front was read. */
  #checkFront(end: number): number {
    const { front } = this.#openFiles.scratch;
    const left = end - this.#cursor.position;
    const size = wholeRecordSize(front, 0, left, this.#source.recordBytesMax);
    const verdict = this.#check.checkFront(this.#cursor.segment, this.#cursor.position, front, 0);
    if (verdict === 'damaged') return this.#loseRecord(this.#check.size, end);
    if (size === 0) return this.#loseFront(end);
    return this.#cursor.isAtDamage ? this.#loseRecord(size, end) : size;
  }

  /** Skips bytes at the cursor that do not have the format of a record. */
  #loseFront(end: number): number {
    const next = this.#check.nextPlace(this.#cursor.segment, this.#cursor.position, end);
    if (next < end) return this.#loseRecord(next - this.#cursor.position, end);
    const size = recordSize(this.#openFiles.scratch.front, 0, this.#source.recordBytesMax);
    const isInside = size > 0 && this.#cursor.position + size <= end;
    return isInside ? this.#loseRecord(size, end) : this.#loseRest(end);
  }

  /** Reads at the cursor. If the batch already has records, an error counts as nothing read. */
  #readBytes(target: Uint8Array, offset: number, length: number, hasSome: boolean): number {
    try {
      const path = this.#files.segment(this.#cursor.segment);
      const got = this.#openFiles.read(path, target, offset, length, this.#cursor.position);
      return got === 'missing' ? 0 : got;
    } catch (error) {
      if (hasSome) return 0;
      throw error;
    }
  }

  /** Enters the next segment after the end of this one. */
  #passSegment(end: number): void {
    if (this.#cursor.position > end) {
      this.#log(
        LOG_ERROR,
        `segment ${this.#cursor.segment} ends at ${end}, before ${this.#cursor.position}`,
      );
    }
    this.#enterSegment(this.#cursor.segment + 1, end);
  }

  /** Skips a damaged record between others. Returns 0. */
  #loseRecord(sizeBytes: number, end: number): number {
    const size = Math.min(sizeBytes, end - this.#cursor.position);
    this.#log(
      LOG_ERROR,
      `segment ${this.#cursor.segment}: damaged record at ${this.#cursor.position}, ${size} bytes lost`,
    );
    this.#isDamaged = true;
    // Nothing may be written after bytes that nsqd cannot skip.
    const stored = storedSize(this.#openFiles.scratch.front, 0);
    if (this.#isInWriteSegment() && size !== stored) this.#writer.leaveSegment();
    this.#cursor.lose(size);
    return 0;
  }

  /** Skips the rest of a segment. Returns 0. */
  #loseRest(end: number): number {
    const { segment, position } = this.#cursor;
    this.#log(
      LOG_ERROR,
      `segment ${segment}: no record at ${position}, ${end - position} bytes lost`,
    );
    this.#isDamaged = true;
    // Nothing may be written after bytes that no reader can skip.
    if (this.#isInWriteSegment()) this.#writer.leaveSegment();
    this.#enterSegment(segment + 1, end);
    this.#count();
    return 0;
  }

  /** Skips a missing segment. A missing directory is an error, since it may come back. */
  #loseSegment(): void {
    checkDataPath(this.#openFiles, this.#source.dataPath);
    if (this.#isInWriteSegment()) this.#writer.leaveSegment();
    const next = nextSegmentOf(this.#source, this.#cursor.segment) ?? this.#writer.segment;
    this.#log(LOG_ERROR, `segment ${this.#cursor.segment} is gone, its records are lost`);
    this.#enterSegment(Math.min(next, this.#writer.segment), 0);
    this.#count();
  }

  #enterSegment(segment: number, sizeBytes: number): void {
    this.passed.add({ segment: this.#cursor.segment, sizeBytes, isDamaged: this.#isDamaged });
    this.#isDamaged = false;
    this.#cursor.enter(segment);
  }
}
