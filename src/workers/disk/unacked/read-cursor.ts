/**
 * Where the reader of a disk queue is, and what happens to the whole records that it comes by: they are handed out,
 * with what their notes say, or passed, because they are finished or were handed out before they were moved there.
 *
 * Units: positions and sizes in bytes, sizes with the size field; due times in Unix ms.
 * Thread: disk.
 */

import type { RecordCheck } from '../checksums/record-check.ts';
import { isBefore, type QueuePlace } from '../files/queue-place.ts';
import { dataViewOf } from '../records/data-view.ts';
import { RECORD_ATTEMPTS_OFFSET, wholeRecordSize } from '../records/disk-record.ts';
import { recordChecksum } from '../records/record-checksum.ts';
import type { RecordNotes } from '../states/record-states.ts';
import { NOTE_FINISHED } from '../states/state-slots.ts';
import type { HandedOut } from './unacked-records.ts';
import type { UnreadCount } from './unread-count.ts';

/** What a read-ahead is made of. */
export interface ReadAheadOptions {
  readonly notes: RecordNotes;
  readonly handedOut: HandedOut;
  readonly unread: UnreadCount;
  readonly check: RecordCheck;
  /** Bytes of the largest record. */
  readonly recordBytesMax: number;
}

export class ReadAhead implements QueuePlace {
  readonly #notes: RecordNotes;
  readonly #handedOut: HandedOut;
  readonly #unread: UnreadCount;
  readonly #check: RecordCheck;
  readonly #recordBytesMax: number;

  #segment: number;
  #position: number;
  #ordinal = 0;
  /** Position of a record in the segment that was read and is damaged; -1 if there is none. */
  #damagedAt = -1;
  /** Records of the batch under way. */
  #count = 0;
  #dueTimes: number[] | undefined;

  constructor(options: ReadAheadOptions, place: QueuePlace) {
    this.#notes = options.notes;
    this.#handedOut = options.handedOut;
    this.#unread = options.unread;
    this.#check = options.check;
    this.#recordBytesMax = options.recordBytesMax;
    this.#segment = place.segment;
    this.#position = place.position;
  }

  /** Where the next record lies. */
  get segment(): number {
    return this.#segment;
  }

  get position(): number {
    return this.#position;
  }

  /** Records, handed out or not, that were passed since the queue was opened, without damaged ones. */
  get ordinal(): number {
    return this.#ordinal;
  }

  /** Whether the next record was read and is damaged. */
  get isAtDamage(): boolean {
    return this.#position === this.#damagedAt;
  }

  /** How many records were handed out since `beginBatch`. */
  get count(): number {
    return this.#count;
  }

  /** When each of them is due, 0 for at once; undefined if all are. */
  get dueTimes(): readonly number[] | undefined {
    return this.#dueTimes;
  }

  /** Whether a note says that the next record is finished; it may be about another that was there. */
  get isNotedFinished(): boolean {
    const hasNote = this.#notes.find(this.#segment, this.#position);
    return hasNote && this.#notes.state === NOTE_FINISHED;
  }

  beginBatch(): void {
    this.#count = 0;
    this.#dueTimes = undefined;
  }

  /** Passes the next record if it was moved there. Returns whether it was. */
  passMoved(): boolean {
    let moved = this.#handedOut.movedAhead;
    // Damage may have taken the reader past some.
    if (moved !== undefined && isBefore(moved, this)) {
      this.#passMovedBefore();
      moved = this.#handedOut.movedAhead;
    }
    if (moved?.segment !== this.#segment || moved.position !== this.#position) return false;
    this.#unread.onMovedPassed();
    this.#pass(moved.sizeBytes);
    return true;
  }

  /**
   * Passes finished records. Returns whether there were any. Shape: `length` bytes of the segment from the read-ahead
   * on.
   */
  passFinished(bytes: Uint8Array, length: number): boolean {
    let at = 0;
    while (at < length && this.isNotedFinished) {
      const size = this.#wholeSize(bytes, at, length);
      if (size === 0) break;
      const checksum = recordChecksum(bytes, dataViewOf(bytes), at, at + size);
      if (checksum !== this.#notes.checksum) break;
      this.#passFinishedRecord(size);
      at += size;
    }
    return at > 0;
  }

  /**
   * Hands out the whole records among `length` bytes of the segment from the read-ahead on, which stand at `start`, and
   * closes the gaps that others leave. Returns how many bytes they have. Errors: throws if notes cannot be read and the
   * batch has no record yet.
   */
  handOut(bytes: Uint8Array, start: number, length: number): number {
    const end = start + length;
    const view = dataViewOf(bytes);
    let at = start;
    let to = start;
    for (;;) {
      const size = this.#wholeSize(bytes, at, end);
      if (size === 0) break;
      if (!this.passMoved()) {
        const checksum = recordChecksum(bytes, view, at, at + size);
        if (this.#isDamaged(bytes, at, checksum)) break;
        const note = this.#noteOn(checksum);
        if (note === 'unknown') break;
        if (note === 'finished') this.#passFinishedRecord(size);
        else {
          if (to < at) bytes.copyWithin(to, at, at + size);
          this.#handOutRecord(bytes, to, size, checksum, note === 'waits');
          to += size;
        }
      }
      at += size;
    }
    return to - start;
  }

  /** Passes a record that is none. */
  lose(sizeBytes: number): void {
    this.#position += sizeBytes;
    this.#unread.onLost(sizeBytes);
  }

  /** Goes on at the start of a segment. */
  enter(segment: number): void {
    this.restart({ segment, position: 0 });
    this.#passMovedBefore();
  }

  /** Goes on at another place. */
  restart(place: QueuePlace): void {
    this.#segment = place.segment;
    this.#position = place.position;
    this.#damagedAt = -1;
  }

  /** Whether the sums say that the next record, which stands at `at`, is not as it was written. */
  #isDamaged(bytes: Uint8Array, at: number, checksum: number): boolean {
    const verdict = this.#check.judge(this.#segment, this.#position, bytes, at, checksum);
    if (verdict !== 'damaged') return false;
    this.#damagedAt = this.#position;
    return true;
  }

  /** The size of the record at `at`; 0 where there is no whole one. */
  #wholeSize(bytes: Uint8Array, at: number, end: number): number {
    return wholeRecordSize(bytes, at, end, this.#recordBytesMax);
  }

  /** What a note says of the next record; "unknown" if it cannot be read and that can wait. */
  #noteOn(checksum: number): 'none' | 'waits' | 'finished' | 'unknown' {
    try {
      if (!this.#notes.find(this.#segment, this.#position)) return 'none';
      if (this.#notes.checksum !== checksum) return 'none';
      return this.#notes.state === NOTE_FINISHED ? 'finished' : 'waits';
    } catch (error) {
      if (this.#count > 0) return 'unknown';
      throw error;
    }
  }

  #handOutRecord(
    bytes: Uint8Array,
    at: number,
    size: number,
    checksum: number,
    hasNote: boolean,
  ): void {
    const dueMs = hasNote ? this.#notes.dueMs : 0;
    if (hasNote) {
      bytes[at + RECORD_ATTEMPTS_OFFSET] = this.#notes.attempts >>> 8;
      bytes[at + RECORD_ATTEMPTS_OFFSET + 1] = this.#notes.attempts & 0xff;
    }
    if (dueMs > 0) this.#dueTimes ??= new Array<number>(this.#count).fill(0);
    this.#dueTimes?.push(dueMs);
    this.#handedOut.add(this.#segment, this.#position, size, checksum, this.#ordinal);
    this.#unread.onHandedOut(size, dueMs > 0);
    this.#count++;
    this.#position += size;
    this.#ordinal++;
  }

  #passFinishedRecord(sizeBytes: number): void {
    this.#handedOut.onFinishedAt(this.#segment, this.#position);
    this.#unread.onPassed(sizeBytes);
    this.#pass(sizeBytes);
  }

  #passMovedBefore(): void {
    this.#unread.onMovedLost(this.#handedOut.passMovedUntil(this, this.#ordinal));
  }

  /** Moves over a record that is not handed out. */
  #pass(sizeBytes: number): void {
    this.#position += sizeBytes;
    this.#handedOut.passMovedUntil(this, this.#ordinal);
    this.#ordinal++;
  }
}
