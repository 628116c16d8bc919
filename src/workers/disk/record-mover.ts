/**
 * Moves unfinished records to the end of their queue, so that the segments they were in can go: those that few keep
 * alive while the queue works, and when it is closed those that would have nsqd deliver finished ones again.
 *
 * A moved record has its attempts in its bytes, as nsqd would have written them, and keeps its due time in a note. What
 * was moved and what it was moved from are both on disk until the next sync is done; only then may the old place go.
 *
 * Errors: what fails is said in the log, and leaves the rest of the records where they are; the next sync tries again.
 * Thread: disk.
 */

import { LOG_WARNING } from './files/disk-log.ts';
import { errorText } from './files/file-error.ts';
import { isBefore, type QueuePlace } from './files/queue-place.ts';
import type { QueueContext } from './queue-context.ts';
import type { NotedAppend, NotingWriter } from './record-writer.ts';
import { dataViewOf } from './records/data-view.ts';
import { storedSize } from './records/disk-record.ts';
import { recordChecksum } from './records/record-checksum.ts';
import type { SegmentReader } from './segments/segment-reader.ts';
import type { RecordNotes } from './states/record-states.ts';
import { readUnfinished } from './unacked/read-unacked.ts';
import type { HandedOut, UnfinishedRecord } from './unacked/unacked-records.ts';
import type { UnreadCount } from './unacked/unread-count.ts';

/** What a mover is made of. */
export interface RecordMoverOptions {
  readonly source: QueueContext;
  readonly writer: NotingWriter;
  readonly notes: RecordNotes;
  readonly handedOut: HandedOut;
  readonly reader: SegmentReader;
  readonly unread: UnreadCount;
  /** Where the last finished record may be of which notes have told when the queue was opened. */
  readonly foundFinished: QueuePlace | undefined;
}

/** Bytes moved with one append. */
const BATCH_BYTES = 256 * 1024;
/** Bytes moved before a sync; more wait for the next one. */
const SYNC_BYTES_MAX = 4 * 1024 * 1024;
/** A queue with more bytes to be moved is closed as it is: closing must not take for ever. */
const CLOSE_BYTES_MAX = 64 * 1024 * 1024;
/** Segments are worth as much on disk as this many times what is unfinished in them. */
const WASTE_MAX = 4;

export class RecordMover {
  readonly #options: RecordMoverOptions;
  readonly #handedOut: HandedOut;
  readonly #reader: SegmentReader;
  /** The segment in which a record was found that cannot be moved because it is not what it was. */
  #damagedSegment = -1;

  constructor(options: RecordMoverOptions) {
    this.#options = options;
    this.#handedOut = options.handedOut;
    this.#reader = options.reader;
  }

  /**
   * Moves what keeps a segment alive that is nearly all finished, or nearly all of them together. Returns whether
   * anything was moved.
   */
  moveForSpace(): boolean {
    const { oldest, count, sizeBytes } = this.#reader.passed;
    if (oldest === undefined || count < 2 || oldest.segment === this.#damagedSegment) return false;
    const end = { segment: oldest.segment + 1, position: 0 };
    const bytes = this.#handedOut.bytesBefore(end);
    const isOldestWaste = bytes * WASTE_MAX <= oldest.sizeBytes;
    const isAllWaste = this.#handedOut.bytes * WASTE_MAX <= sizeBytes;
    if (bytes === 0 || !(isOldestWaste || isAllWaste)) return false;
    return this.#move(end, SYNC_BYTES_MAX);
  }

  /**
   * Passes or moves what has finished records behind it. Returns whether there was anything of that kind, so that the
   * queue is to be synced.
   */
  moveForClose(): boolean {
    const { foundFinished } = this.#options;
    const mustRead = foundFinished !== undefined && !isBefore(foundFinished, this.#reader.place);
    if (!mustRead && !this.#hasFinishedBehind()) return false;
    try {
      if (mustRead && !this.#readUntil(foundFinished)) return false;
      // Those that were moved are ahead, and finished there.
      this.#reader.passMoved();
      const { lastFinished } = this.#handedOut;
      if (lastFinished === undefined || !this.#hasFinishedBehind()) return true;
      if (!this.#readUntil(lastFinished)) return false;
      if (this.#handedOut.bytesBefore(lastFinished) <= CLOSE_BYTES_MAX) {
        this.#move(lastFinished, CLOSE_BYTES_MAX);
      }
    } catch (error) {
      this.#warn(error);
    }
    return true;
  }

  /** Whether a record is known to be finished and lies behind one that is not. */
  #hasFinishedBehind(): boolean {
    const { lastFinished, oldest } = this.#handedOut;
    return lastFinished !== undefined && !isBefore(lastFinished, oldest ?? this.#reader.place);
  }

  /** Reads ahead up to a place. Returns whether that was possible within the bound. */
  #readUntil(place: QueuePlace): boolean {
    let bytes: Buffer = Buffer.alloc(0);
    let sum = 0;
    while (!isBefore(place, this.#reader.place)) {
      const room = this.#reader.prepare(BATCH_BYTES);
      if (room === 0) return true;
      if (sum > CLOSE_BYTES_MAX) return false;
      if (room > bytes.length) bytes = Buffer.allocUnsafe(room);
      sum += this.#reader.read(bytes, 0, room).bytes;
    }
    return true;
  }

  /** Moves the oldest records before a place. Returns whether there were any. */
  #move(place: QueuePlace, bytesMax: number): boolean {
    const records = this.#handedOut.unfinishedBefore(place, bytesMax);
    let done = 0;
    try {
      while (done < records.length) done += this.#moveSome(records, done);
    } catch (error) {
      this.#warn(error);
    }
    return done > 0;
  }

  /** Moves as many records as make a batch, from this index on. Returns how many. */
  #moveSome(records: readonly UnfinishedRecord[], first: number): number {
    let end = first;
    let length = 0;
    while (end < records.length && (end === first || length < BATCH_BYTES)) {
      length += records[end++].sizeBytes;
    }
    const bytes = Buffer.allocUnsafe(length);
    const batch: UnfinishedRecord[] = [];
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

  /** Reads a record as it is to be written, and returns its due time. */
  #read(record: UnfinishedRecord, bytes: Buffer, at: number): number | 'damaged' {
    const { source, notes } = this.#options;
    const dueMs = readUnfinished(source, notes, record, bytes, at);
    if (dueMs === 'damaged') this.#damagedSegment = record.segment;
    return dueMs;
  }

  #onMoved(batch: readonly UnfinishedRecord[], bytes: Buffer, append: NotedAppend): void {
    let index = 0;
    for (const { segment, position, start, end } of append.runs) {
      for (let at = start; at < end; index++) {
        const size = storedSize(bytes, at);
        const checksum = recordChecksum(bytes, dataViewOf(bytes), at, at + size);
        const place = { segment, position: position + (at - start) };
        this.#handedOut.move(batch[index], place, checksum);
        at += size;
      }
    }
    this.#options.unread.onMove(batch.length);
    if (append.hasMetOthers) this.#reader.recount();
  }

  #warn(error: unknown): void {
    this.#options.source.log(
      LOG_WARNING,
      `failed to move records to the end - ${errorText(error)}`,
    );
  }
}
