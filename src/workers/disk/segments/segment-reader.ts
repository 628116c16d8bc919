/**
 * The reading end of a disk queue: hands out records ahead of their being finished, passes what is damaged, finished
 * or handed out already, and removes the segments of which everything is finished.
 *
 *     segment 3                   segment 4               segment 5
 *     [ finished | handed out ]   [ handed out | unread ]   [ unread |
 *                ^ oldest                      ^ read-ahead          ^ the writer's position
 *
 * What is handed out has a number, one more than the record before; among them may be finished ones. A record that a
 * note is about is handed out with the note's attempts and due time, or, if it is finished, not at all.
 *
 * Damage: a record that its sums say is damaged, or whose size is possible and whose id is none, costs only itself.
 * Where the size is impossible, or the record does not end before its segment does, and the sums do not know where the
 * next one begins either, the rest of the segment is lost. In each case the file is kept as `.bad` when its good
 * records are finished.
 *
 * Errors: a call that throws has changed nothing and may be tried again.
 * Thread: disk.
 * Source: go-diskqueue `readOne`, `moveForward`, `handleReadError`, `checkTailCorruption`.
 */

import { RecordCheck } from '../checksums/record-check.ts';
import { checkDataPath } from '../files/data-path.ts';
import { type DiskLog, LOG_ERROR, LOG_WARNING } from '../files/disk-log.ts';
import { errorText } from '../files/file-error.ts';
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
import type { RecordNotes } from '../states/record-states.ts';
import { ReadAhead } from '../unacked/read-cursor.ts';
import type { HandedOut } from '../unacked/unacked-records.ts';
import type { UnreadCount } from '../unacked/unread-count.ts';
import { PassedSegments } from './passed-segments.ts';
import { bytesBetween, countBetween, nextSegmentOf } from './segment-span.ts';
import type { SegmentWriter } from './segment-writer.ts';

/** What one call of `read` has put into its target. */
export interface ReadBatch {
  readonly count: number;
  readonly bytes: number;
  /** Number of the first record. */
  readonly first: number;
  /** When each is due, Unix time in ms, 0 for at once; undefined if all are due at once. */
  readonly dueTimes: readonly number[] | undefined;
}

/** What a reader is made of. */
export interface SegmentReaderOptions {
  /** Where to look for what damage has left. */
  readonly source: QueueContext;
  /** Says where the records end. */
  readonly writer: SegmentWriter;
  readonly notes: RecordNotes;
  readonly handedOut: HandedOut;
  readonly unread: UnreadCount;
}

/** Bytes of finished records that are looked through at once. */
const SKIP_BYTES = 64 * 1024;

/** Room for the part of a record that tells whether it is one. One for the thread: reading is never interrupted. */
const front = Buffer.allocUnsafeSlow(RECORD_BYTES_MIN);
/** Room for records that are not handed out. */
const skipped = Buffer.allocUnsafeSlow(SKIP_BYTES);

export class SegmentReader {
  readonly passed: PassedSegments;

  readonly #source: QueueContext;
  readonly #writer: SegmentWriter;
  readonly #openFiles: OpenFiles;
  readonly #files: QueueFiles;
  readonly #log: DiskLog;
  readonly #notes: RecordNotes;
  readonly #handedOut: HandedOut;
  readonly #unread: UnreadCount;

  /** Where the next record to hand out lies. */
  readonly #ahead: ReadAhead;
  readonly #check: RecordCheck;
  /** Whether damage was found in the read-ahead's segment. */
  #isDamaged = false;

  constructor(options: SegmentReaderOptions, place: QueuePlace) {
    this.#source = options.source;
    this.#writer = options.writer;
    this.#openFiles = options.source.openFiles;
    this.#files = options.source.files;
    this.#log = options.source.log;
    this.#notes = options.notes;
    this.#handedOut = options.handedOut;
    this.#unread = options.unread;
    this.#check = new RecordCheck(options.source);
    this.passed = new PassedSegments(options.source, options.notes);
    const { recordBytesMax } = options.source;
    this.#ahead = new ReadAhead({ ...options, recordBytesMax, check: this.#check }, place);
    this.#boundUnread();
  }

  /** The read-ahead: where the next record lies. */
  get place(): QueuePlace {
    return { segment: this.#ahead.segment, position: this.#ahead.position };
  }

  /** Records, finished or not, that the read-ahead has passed since the queue was opened. */
  get ordinal(): number {
    return this.#ahead.ordinal;
  }

  /** Segments from the oldest on that are not removed. */
  get firstSegment(): number {
    return this.passed.first ?? this.#ahead.segment;
  }

  /** Whether the records that are handed out next may have due times. */
  get mayHaveDueTimes(): boolean {
    return !this.#notes.isEmpty;
  }

  /**
   * Looks for the next record, past whatever is damaged or done with. Returns how much room `read` is to be offered: 0
   * when there is nothing to read, else enough for one record, and no more than `bytesWanted` unless that record is
   * longer.
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
      else if (this.#ahead.position >= end) this.#passSegment(end);
      else if (!this.#ahead.passMoved() && !this.#passFinished(end)) {
        const size = this.#frontSize(end);
        const known = this.#isInWriteSegment() ? end - this.#ahead.position : bytesWanted;
        if (size > 0) {
          this.#unread.hasOne();
          return Math.max(size, Math.min(bytesWanted, known));
        }
      }
    }
  }

  /**
   * Reads the next whole records into the room that `prepare` has asked for. None only if the file has lost bytes
   * since then, the first is damaged, or all of them were finished; `prepare` then tells what is left.
   */
  read(target: Uint8Array, offset: number, room: number): ReadBatch {
    const ahead = this.#ahead;
    const { next: first } = this.#handedOut;
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
      // No room for the next record, or it is damaged: the next `prepare` tells.
      if (ahead.position < end) break;
    }
    const { count, dueTimes } = ahead;
    this.#boundUnread();
    return { count, bytes, first, dueTimes };
  }

  /** Passes moved records that lie next, so that the read position does not stay before them. */
  passMoved(): void {
    while (this.#ahead.passMoved());
  }

  /** Forgets everything: there are no records before the writer's position. */
  restart(): void {
    this.#handedOut.clear();
    this.passed.clear();
    this.#ahead.restart(this.#writer);
    this.#isDamaged = false;
    this.#unread.clear();
  }

  /** Counts what is unread, because nobody knows. Errors: logged, and the number stays an estimate. */
  recount(): void {
    this.#count();
    this.#boundUnread();
  }

  #count(): void {
    try {
      const count = countBetween(this.#source, this.place, this.#writer);
      this.#unread.recount(count, bytesBetween(this.#source, this.place, this.#writer));
    } catch (error) {
      this.#log(LOG_ERROR, `failed to count records, depth is an estimate - ${errorText(error)}`);
    }
  }

  #isInWriteSegment(): boolean {
    return this.#ahead.segment === this.#writer.segment;
  }

  #isAllRead(): boolean {
    return this.#isInWriteSegment() && this.#ahead.position === this.#writer.position;
  }

  /**
   * Whoever asks only while something is unread must not be told 0 too early, nor be sent for nothing: where the
   * count says 0 and the writer is further ahead, it looks.
   */
  #boundUnread(): void {
    if (this.#unread.live > 0) return;
    try {
      this.prepare(0);
    } catch (error) {
      this.#log(LOG_WARNING, `failed to look for the next record - ${errorText(error)}`);
      this.#unread.hasOne();
    }
  }

  #correctUnread(): void {
    const excess = this.#unread.clear();
    if (excess === 0) return;
    this.#log(LOG_ERROR, `depth is too large by ${excess} at the end of the queue, corrected`);
  }

  /** As far as the write segment was written, or the size of a segment that was left. */
  #segmentEnd(): number | 'missing' {
    if (this.#isInWriteSegment()) return this.#writer.position;
    return this.#openFiles.size(this.#files.segment(this.#ahead.segment));
  }

  /** As `#segmentEnd`. An error counts as a missing segment if there are records to show already. */
  #endToRead(hasSome: boolean): number | 'missing' {
    try {
      return this.#segmentEnd();
    } catch (error) {
      if (hasSome) return 'missing';
      throw error;
    }
  }

  /** Passes finished records at the read-ahead. Returns whether there were any, or damage that has been passed. */
  #passFinished(end: number): boolean {
    if (!this.#ahead.isNotedFinished) return false;
    const size = this.#frontSize(end);
    if (size === 0) return true;
    const bytes = size > SKIP_BYTES ? Buffer.allocUnsafe(size) : skipped;
    const length = Math.min(bytes.length, end - this.#ahead.position);
    return this.#ahead.passFinished(bytes, this.#readBytes(bytes, 0, length, false));
  }

  /** The size of the next record; 0 when there was damage instead, and it has been passed. */
  #frontSize(end: number): number {
    const left = end - this.#ahead.position;
    const path = this.#files.segment(this.#ahead.segment);
    const got = this.#openFiles.read(
      path,
      front,
      0,
      Math.min(RECORD_BYTES_MIN, left),
      this.#ahead.position,
    );
    if (got === 'missing') {
      this.#loseSegment();
      return 0;
    }
    return got < RECORD_BYTES_MIN ? this.#loseRest(end) : this.#judgeFront(end);
  }

  /** As `#frontSize`, when the front was read. */
  #judgeFront(end: number): number {
    const left = end - this.#ahead.position;
    const size = wholeRecordSize(front, 0, left, this.#source.recordBytesMax);
    const verdict = this.#check.judgeFront(this.#ahead.segment, this.#ahead.position, front, 0);
    if (verdict === 'damaged') return this.#loseRecord(this.#check.size, end);
    if (size === 0) return this.#loseFront(end);
    return this.#ahead.isAtDamage ? this.#loseRecord(size, end) : size;
  }

  /** There is no record at the read-ahead, by its format. */
  #loseFront(end: number): number {
    const next = this.#check.nextPlace(this.#ahead.segment, this.#ahead.position, end);
    if (next < end) return this.#loseRecord(next - this.#ahead.position, end);
    const size = recordSize(front, 0, this.#source.recordBytesMax);
    const isInside = size > 0 && this.#ahead.position + size <= end;
    return isInside ? this.#loseRecord(size, end) : this.#loseRest(end);
  }

  /** Reads at the read-ahead. An error counts as nothing read if there are records to show already. */
  #readBytes(target: Uint8Array, offset: number, length: number, hasSome: boolean): number {
    try {
      const path = this.#files.segment(this.#ahead.segment);
      const got = this.#openFiles.read(path, target, offset, length, this.#ahead.position);
      return got === 'missing' ? 0 : got;
    } catch (error) {
      if (hasSome) return 0;
      throw error;
    }
  }

  /** Goes on with the next segment after the end of this one. */
  #passSegment(end: number): void {
    if (this.#ahead.position > end) {
      this.#log(
        LOG_ERROR,
        `segment ${this.#ahead.segment} ends at ${end}, before ${this.#ahead.position}`,
      );
    }
    this.#enterSegment(this.#ahead.segment + 1, end);
  }

  /** A record that is none, between others: only the place of the next one is certain. Returns 0. */
  #loseRecord(sizeBytes: number, end: number): number {
    const size = Math.min(sizeBytes, end - this.#ahead.position);
    this.#log(
      LOG_ERROR,
      `segment ${this.#ahead.segment}: damaged record at ${this.#ahead.position}, ${size} bytes lost`,
    );
    this.#isDamaged = true;
    // Nothing may be written behind bytes that nsqd cannot read over.
    if (this.#isInWriteSegment() && size !== storedSize(front, 0)) this.#writer.leaveSegment();
    this.#ahead.lose(size);
    return 0;
  }

  /** Returns 0. */
  #loseRest(end: number): number {
    this.#log(
      LOG_ERROR,
      `segment ${this.#ahead.segment}: no record at ${this.#ahead.position}, ${end - this.#ahead.position} bytes lost`,
    );
    this.#isDamaged = true;
    // Nothing may be written behind bytes that nobody can read over.
    if (this.#isInWriteSegment()) this.#writer.leaveSegment();
    this.#enterSegment(this.#ahead.segment + 1, end);
    this.#count();
    return 0;
  }

  /** The segment is not there. A missing directory may come back, so that is an error. */
  #loseSegment(): void {
    checkDataPath(this.#openFiles, this.#source.dataPath);
    if (this.#isInWriteSegment()) this.#writer.leaveSegment();
    const next = nextSegmentOf(this.#source, this.#ahead.segment) ?? this.#writer.segment;
    this.#log(LOG_ERROR, `segment ${this.#ahead.segment} is gone, its records are lost`);
    this.#enterSegment(Math.min(next, this.#writer.segment), 0);
    this.#count();
  }

  #enterSegment(segment: number, sizeBytes: number): void {
    this.passed.add({ segment: this.#ahead.segment, sizeBytes, isDamaged: this.#isDamaged });
    this.#isDamaged = false;
    this.#ahead.enter(segment);
  }
}
