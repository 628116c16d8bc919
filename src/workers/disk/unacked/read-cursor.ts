/**
 * The place of a disk queue's reader. It decides what happens to each whole record at that place: the record is
 * handed out with the attempts and due time of its state, or skipped because it is finished or was handed out before
 * it was moved there.
 *
 * Units: positions and sizes in bytes, sizes with the size field; due times in Unix ms.
 * Thread: disk.
 */

import type { RecordCheck } from '../checksums/record-check.ts';
import { isBefore, type QueuePlace } from '../files/queue-place.ts';
import {
  dataViewOf,
  RECORD_ATTEMPTS_OFFSET,
  recordChecksum,
  wholeRecordSize,
} from '../records/disk-record.ts';
import type { RecordStates } from '../states/record-states.ts';
import { STATE_FINISHED } from '../states/state-slots.ts';
import type { UnackedRecords } from './unacked-records.ts';
import type { UnreadCount } from './unread-count.ts';

/** The dependencies of a cursor. */
export interface ReadCursorOptions {
  readonly states: RecordStates;
  readonly unacked: UnackedRecords;
  readonly unread: UnreadCount;
  readonly check: RecordCheck;
  /** Bytes of the largest record. */
  readonly recordBytesMax: number;
}

export class ReadCursor implements QueuePlace {
  readonly #states: RecordStates;
  readonly #unacked: UnackedRecords;
  readonly #unread: UnreadCount;
  readonly #check: RecordCheck;
  readonly #recordBytesMax: number;

  #segment: number;
  #position: number;
  #ordinal = 0;
  /** The position in the segment of a record that was read and found damaged; -1 if there is none. */
  #damagedAt = -1;
  /** Records of the current batch. */
  #count = 0;
  #dueTimes: number[] | undefined;

  constructor(options: ReadCursorOptions, place: QueuePlace) {
    this.#states = options.states;
    this.#unacked = options.unacked;
    this.#unread = options.unread;
    this.#check = options.check;
    this.#recordBytesMax = options.recordBytesMax;
    this.#segment = place.segment;
    this.#position = place.position;
  }

  /** The place of the next record. */
  get segment(): number {
    return this.#segment;
  }

  get position(): number {
    return this.#position;
  }

  /** Records that were handed out or skipped since the queue was opened, without damaged ones. */
  get ordinal(): number {
    return this.#ordinal;
  }

  /** Whether the next record was read and found damaged. */
  get isAtDamage(): boolean {
    return this.#position === this.#damagedAt;
  }

  /** How many records were handed out since `beginBatch`. */
  get count(): number {
    return this.#count;
  }

  /** The due time of each, 0 for at once; undefined if all are due at once. */
  get dueTimes(): readonly number[] | undefined {
    return this.#dueTimes;
  }

  /** Whether the next place has a state that says finished; it may belong to an earlier record at that place. */
  get isKnownFinished(): boolean {
    const hasState = this.#states.find(this.#segment, this.#position);
    return hasState && this.#states.state === STATE_FINISHED;
  }

  beginBatch(): void {
    this.#count = 0;
    this.#dueTimes = undefined;
  }

  /** Skips the next record if it was moved there. Returns whether it was. */
  passMoved(): boolean {
    let moved = this.#unacked.movedAhead;
    // The reader may have passed some because of damage.
    if (moved !== undefined && isBefore(moved, this)) {
      this.#passMovedBefore();
      moved = this.#unacked.movedAhead;
    }
    if (moved?.segment !== this.#segment || moved.position !== this.#position) return false;
    this.#unread.onMovedPassed();
    this.#pass(moved.sizeBytes);
    return true;
  }

  /**
   * Skips finished records. Returns whether there were any. Shape: `length` bytes of the segment, from the cursor on.
   */
  passFinished(bytes: Uint8Array, length: number): boolean {
    let at = 0;
    while (at < length && this.isKnownFinished) {
      const size = this.#wholeSize(bytes, at, length);
      if (size === 0) break;
      const checksum = recordChecksum(bytes, dataViewOf(bytes), at, at + size);
      if (checksum !== this.#states.checksum) break;
      this.#passFinishedRecord(size);
      at += size;
    }
    return at > 0;
  }

  /**
   * Hands out the whole records among `length` bytes of the segment from the cursor on, which lie at `start`, and
   * closes the gaps that skipped records leave. Returns the bytes of the records handed out. Errors: throws if states
   * cannot be read and the batch has no record yet.
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
        const state = this.#stateOf(checksum);
        if (state === 'unknown') break;
        if (state === 'finished') this.#passFinishedRecord(size);
        else {
          if (to < at) bytes.copyWithin(to, at, at + size);
          this.#handOutRecord(bytes, to, size, checksum, state === 'unacked');
          to += size;
        }
      }
      at += size;
    }
    return to - start;
  }

  /** Skips a damaged record. */
  lose(sizeBytes: number): void {
    this.#position += sizeBytes;
    this.#unread.onLost(sizeBytes);
  }

  /** Moves to the start of a segment. */
  enter(segment: number): void {
    this.restart({ segment, position: 0 });
    this.#passMovedBefore();
  }

  /** Moves to another place. */
  restart(place: QueuePlace): void {
    this.#segment = place.segment;
    this.#position = place.position;
    this.#damagedAt = -1;
  }

  /** Whether the checksums show that the next record, at `at`, is damaged. */
  #isDamaged(bytes: Uint8Array, at: number, checksum: number): boolean {
    const verdict = this.#check.check(this.#segment, this.#position, bytes, at, checksum);
    if (verdict !== 'damaged') return false;
    this.#damagedAt = this.#position;
    return true;
  }

  /** The size of the record at `at`; 0 if there is no whole one. */
  #wholeSize(bytes: Uint8Array, at: number, end: number): number {
    return wholeRecordSize(bytes, at, end, this.#recordBytesMax);
  }

  /** The state of the next record; "unknown" if it cannot be read and the batch can end here. */
  #stateOf(checksum: number): 'none' | 'unacked' | 'finished' | 'unknown' {
    try {
      if (!this.#states.find(this.#segment, this.#position)) return 'none';
      if (this.#states.checksum !== checksum) return 'none';
      return this.#states.state === STATE_FINISHED ? 'finished' : 'unacked';
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
    hasState: boolean,
  ): void {
    const dueMs = hasState ? this.#states.dueMs : 0;
    if (hasState) {
      bytes[at + RECORD_ATTEMPTS_OFFSET] = this.#states.attempts >>> 8;
      bytes[at + RECORD_ATTEMPTS_OFFSET + 1] = this.#states.attempts & 0xff;
    }
    if (dueMs > 0) this.#dueTimes ??= new Array<number>(this.#count).fill(0);
    this.#dueTimes?.push(dueMs);
    this.#unacked.add(this.#segment, this.#position, size, checksum, this.#ordinal);
    this.#unread.onRead(size, dueMs > 0);
    this.#count++;
    this.#position += size;
    this.#ordinal++;
  }

  #passFinishedRecord(sizeBytes: number): void {
    this.#unacked.onFinishedAt(this.#segment, this.#position);
    this.#unread.onPassed(sizeBytes);
    this.#pass(sizeBytes);
  }

  #passMovedBefore(): void {
    this.#unread.onMovedLost(this.#unacked.passMovedUntil(this, this.#ordinal));
  }

  /** Moves past a record. */
  #pass(sizeBytes: number): void {
    this.#position += sizeBytes;
    this.#unacked.passMovedUntil(this, this.#ordinal);
    this.#ordinal++;
  }
}
