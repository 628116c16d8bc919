/**
 * Moves unacked records to the end of their queue, so that their old segments can be removed. While the queue is open
 * it moves records that keep a nearly finished segment alive. When the queue closes it moves records before finished
 * ones: nsqd would deliver the finished ones again.
 *
 * A moved record carries its attempts in its bytes, as nsqd writes them; its due time is in its state. Both places
 * stay on disk until the next sync succeeds. Only then may the old one be removed.
 *
 * Errors: a failure is logged and leaves the remaining records where they are. The next sync tries again.
 * Thread: disk.
 */

import { LOG_WARNING } from './files/disk-log.ts';
import { errorWithCauses } from './files/file-error.ts';
import { isBefore, type QueuePlace } from './files/queue-place.ts';
import type { QueueContext } from './queue-context.ts';
import type { RecordAppend, RecordWriter } from './record-writer.ts';
import { dataViewOf, recordChecksum, storedSize } from './records/disk-record.ts';
import type { SegmentReader } from './segments/segment-reader.ts';
import type { RecordStates } from './states/record-states.ts';
import { readUnacked } from './unacked/read-unacked.ts';
import type { UnackedRecord, UnackedRecords } from './unacked/unacked-records.ts';
import type { UnreadCount } from './unacked/unread-count.ts';

/** The dependencies of a mover. */
export interface RecordMoverOptions {
  readonly source: QueueContext;
  readonly writer: RecordWriter;
  readonly states: RecordStates;
  readonly unacked: UnackedRecords;
  readonly reader: SegmentReader;
  readonly unread: UnreadCount;
  /** The last place of a finished record, according to the states found when the queue was opened. */
  readonly foundFinished: QueuePlace | undefined;
}

/** Bytes moved with one append. */
const BATCH_BYTES = 256 * 1024;
/** Bytes moved before a sync; more wait for the next one. */
const SYNC_BYTES_MAX = 4 * 1024 * 1024;
/** A queue with more bytes to move is closed without moving them, so that closing takes bounded time. */
const CLOSE_BYTES_MAX = 64 * 1024 * 1024;
/** Segments may take this many times the bytes of their unacked records. */
const WASTE_MAX = 4;

export class RecordMover {
  readonly #options: RecordMoverOptions;
  readonly #unacked: UnackedRecords;
  readonly #reader: SegmentReader;
  /** The segment with a damaged record, which cannot be moved. */
  #damagedSegment = -1;

  constructor(options: RecordMoverOptions) {
    this.#options = options;
    this.#unacked = options.unacked;
    this.#reader = options.reader;
  }

  /**
   * Moves the records of the oldest segment if that segment, or all segments together, are nearly finished. Returns
   * whether anything was moved.
   */
  moveForSpace(): boolean {
    const { oldest, count, sizeBytes } = this.#reader.passed;
    if (oldest === undefined || count < 2 || oldest.segment === this.#damagedSegment) return false;
    const end = { segment: oldest.segment + 1, position: 0 };
    const bytes = this.#unacked.bytesBefore(end);
    const isOldestWaste = bytes * WASTE_MAX <= oldest.sizeBytes;
    const isAllWaste = this.#unacked.bytes * WASTE_MAX <= sizeBytes;
    if (bytes === 0 || !(isOldestWaste || isAllWaste)) return false;
    return this.#move(end, SYNC_BYTES_MAX);
  }

  /**
   * Skips or moves records that lie before finished ones. Returns whether there were any; then the queue must be
   * synced.
   */
  moveForClose(): boolean {
    const { foundFinished } = this.#options;
    const mustRead = foundFinished !== undefined && !isBefore(foundFinished, this.#reader.place);
    if (!mustRead && !this.#hasFinishedBehind()) return false;
    try {
      if (mustRead && !this.#readUntil(foundFinished)) return false;
      // Moved records lie ahead of the reader, which may reach them next.
      this.#reader.passMoved();
      const { lastFinished } = this.#unacked;
      if (lastFinished === undefined || !this.#hasFinishedBehind()) return true;
      if (!this.#readUntil(lastFinished)) return false;
      if (this.#unacked.bytesBefore(lastFinished) <= CLOSE_BYTES_MAX) {
        this.#move(lastFinished, CLOSE_BYTES_MAX);
      }
    } catch (error) {
      this.#warn(error);
    }
    return true;
  }

  /** Whether a finished record follows an unacked one. */
  #hasFinishedBehind(): boolean {
    const { lastFinished, oldest } = this.#unacked;
    return lastFinished !== undefined && !isBefore(lastFinished, oldest ?? this.#reader.place);
  }

  /** Reads ahead up to a place. Returns whether that was possible within the bound. */
  #readUntil(place: QueuePlace): boolean {
    let bytes: Buffer = Buffer.alloc(0);
    let readBytes = 0;
    while (!isBefore(place, this.#reader.place)) {
      const room = this.#reader.prepare(BATCH_BYTES);
      if (room === 0) return true;
      if (readBytes > CLOSE_BYTES_MAX) return false;
      if (room > bytes.length) bytes = Buffer.allocUnsafe(room);
      readBytes += this.#reader.read(bytes, 0, room).bytes;
    }
    return true;
  }

  /** Moves the oldest records before a place. Returns whether there were any. */
  #move(place: QueuePlace, bytesMax: number): boolean {
    const records = this.#unacked.unackedBefore(place, bytesMax);
    let done = 0;
    try {
      while (done < records.length) done += this.#moveSome(records, done);
    } catch (error) {
      this.#warn(error);
    }
    return done > 0;
  }

  /** Moves one batch of records, from this index on. Returns how many. */
  #moveSome(records: readonly UnackedRecord[], first: number): number {
    let end = first;
    let length = 0;
    while (end < records.length && (end === first || length < BATCH_BYTES)) {
      length += records[end++].sizeBytes;
    }
    const bytes = Buffer.allocUnsafe(length);
    const batch: UnackedRecord[] = [];
    const dueTimes: number[] = [];
    let at = 0;
    for (const record of records.slice(first, end)) {
      const dueMs = this.#read(record, bytes, at);
      if (dueMs === 'damaged') continue;
      batch.push(record);
      dueTimes.push(dueMs);
      at += record.sizeBytes;
    }
    if (batch.length > 0) {
      this.#onMoved(batch, bytes, this.#options.writer.appendMoved(bytes, at, dueTimes));
    }
    return end - first;
  }

  /** Reads a record in the form to write, and returns its due time. */
  #read(record: UnackedRecord, bytes: Buffer, at: number): number | 'damaged' {
    const { source, states } = this.#options;
    const dueMs = readUnacked(source, states, record, bytes, at);
    if (dueMs === 'damaged') this.#damagedSegment = record.segment;
    return dueMs;
  }

  #onMoved(batch: readonly UnackedRecord[], bytes: Buffer, append: RecordAppend): void {
    let index = 0;
    for (const { segment, position, start, end } of append.runs) {
      for (let at = start; at < end; index++) {
        const size = storedSize(bytes, at);
        const checksum = recordChecksum(bytes, dataViewOf(bytes), at, at + size);
        const place = { segment, position: position + (at - start) };
        this.#unacked.move(batch[index], place, checksum);
        at += size;
      }
    }
    this.#options.unread.onMove(batch.length);
    if (append.hasMetOthers) this.#reader.recount();
  }

  #warn(error: unknown): void {
    this.#options.source.log(
      LOG_WARNING,
      `failed to move records to the end - ${errorWithCauses(error)}`,
    );
  }
}
