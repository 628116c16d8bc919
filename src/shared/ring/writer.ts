/**
 * The writing end of a ring.
 *
 * A record is claimed, filled in place, and committed; any number of committed records become visible to the
 * reader with one `publish`. A claim may be larger than what is committed in the end.
 *
 * Thread: the one thread that produces; it changes hands only while no thread uses the ring.
 */

import { assert } from '../assert.ts';
import {
  HEAD_WORD,
  PADDING,
  RECORDS_OFFSET,
  RING_HEADER_BYTES,
  recordBytes,
  TAIL_WORD,
  WANTED_WORD,
} from './layout.ts';

/** Result of `claim` when the ring has no room. */
export const FULL = -1;
/** A writer that waits is woken when this share of the ring is free beyond what it needs. */
const WAKE_SHARE = 1 / 8;

export class RingWriter {
  /** The records' memory as bytes; a claim is an offset into it. */
  readonly bytes: Buffer;
  /** The same memory as little-endian words on every machine that Node runs on; index = offset / 4. */
  readonly words: Uint32Array;
  readonly capacity: number;

  readonly #positions: Int32Array;
  /** Bytes ever committed, published or not. */
  #tail: number;
  /** The tail at the last call of `publish`. */
  #published: number;
  /** The reader's head as last seen. */
  #head: number;
  /** Offset of the open claim's payload, FULL when there is none. */
  #claimed = FULL;
  #claimedLength = 0;
  /** Bytes of padding that come before the open claim. */
  #padding = 0;
  /** The room that this end waits for, as the reader sees it; 0 while it does not wait. */
  #wanted: number;

  constructor(memory: SharedArrayBuffer) {
    this.capacity = memory.byteLength - RECORDS_OFFSET;
    this.#positions = new Int32Array(memory, 0, RECORDS_OFFSET / 4);
    this.bytes = Buffer.from(memory, RECORDS_OFFSET, this.capacity);
    this.words = new Uint32Array(memory, RECORDS_OFFSET, this.capacity / 4);
    // Only this end writes the tail, so this is the value that it wrote last.
    this.#tail = Atomics.load(this.#positions, TAIL_WORD) >>> 0;
    // Sees the reader's last release; an older value would only understate the room.
    this.#head = Atomics.load(this.#positions, HEAD_WORD) >>> 0;
    // Only this end writes the word; an earlier owner of this end may have left it set.
    this.#wanted = Atomics.load(this.#positions, WANTED_WORD) >>> 0;
    this.#published = this.#tail;
  }

  /** Longest payload that always fits in an empty ring. */
  get lengthMax(): number {
    return this.capacity / 2 - RING_HEADER_BYTES;
  }

  /** Bytes ever committed, modulo 2^32: marks everything written so far. */
  get position(): number {
    return this.#tail;
  }

  /** Whether committed records wait for `publish`. */
  get hasUnpublished(): boolean {
    return this.#tail !== this.#published;
  }

  /** Whether the reader has released everything that is committed. */
  get isRead(): boolean {
    // An older value would only mean that the reader is not known to have read.
    this.#head = Atomics.load(this.#positions, HEAD_WORD) >>> 0;
    return this.#head === this.#tail;
  }

  /**
   * Whether records of this many bytes in total fit now, if none of them is larger than `lengthMax / 2`. If not, the
   * reader rings the writer's doorbell when there is room for them and some more.
   */
  hasRoomFor(bytes: number): boolean {
    return this.#hasRoom(bytes) || this.#hasRoomAfterAsking(bytes);
  }

  /**
   * Reserves room for a payload of up to `length` bytes, contiguous and aligned to 8.
   *
   * Returns the payload's offset in `bytes`, or FULL. After FULL and until a claim succeeds, the reader rings the
   * writer's doorbell at each release that leaves room for the claim and some more. FULL makes all committed records
   * visible to the reader but does not ring: `publish` still returns true, and its caller rings.
   */
  claim(length: number): number {
    assert(this.#claimed === FULL, 'one claim is open at a time');
    assert(length <= this.lengthMax, 'a record is at most half of its ring');
    const needed = recordBytes(length);
    const at = this.#tail & (this.capacity - 1);
    const toEnd = this.capacity - at;
    const padding = needed <= toEnd ? 0 : toEnd;
    const room = padding + needed;
    if (!this.#hasRoom(room) && !this.#hasRoomAfterAsking(room)) return FULL;
    if (this.#wanted !== 0) this.#setWanted(0);
    this.#padding = padding;
    this.#claimedLength = length;
    this.#claimed = (padding === 0 ? at : 0) + RING_HEADER_BYTES;
    return this.#claimed;
  }

  /** Turns the open claim into a record of `length` bytes, which may be fewer than were claimed. */
  commit(type: number, length: number): void {
    assert(this.#claimed !== FULL, 'there is a claim to commit');
    assert(
      length <= this.#claimedLength && type !== PADDING,
      'a record fits its claim and has a type',
    );
    if (this.#padding > 0) this.#writePadding();
    const header = (this.#claimed - RING_HEADER_BYTES) >>> 2;
    this.words[header] = length;
    this.words[header + 1] = type;
    this.#tail = (this.#tail + recordBytes(length)) >>> 0;
    this.#claimed = FULL;
  }

  /** Drops the open claim. The reader never sees any of it. */
  abandon(): void {
    assert(this.#claimed !== FULL, 'there is a claim to abandon');
    this.#claimed = FULL;
  }

  /**
   * Makes all committed records visible to the reader with one store. Returns whether there were any since the last
   * call, so that the reader's doorbell must be rung.
   */
  publish(): boolean {
    if (this.#tail === this.#published) return false;
    this.#published = this.#tail;
    this.#showCommitted();
    return true;
  }

  #hasRoom(bytes: number): boolean {
    if (this.capacity - ((this.#tail - this.#head) >>> 0) >= bytes) return true;
    // Sees what the reader has released, and will not read again.
    this.#head = Atomics.load(this.#positions, HEAD_WORD) >>> 0;
    return this.capacity - ((this.#tail - this.#head) >>> 0) >= bytes;
  }

  /** Asks to be woken, then checks once more: the reader may have released something in between. */
  #hasRoomAfterAsking(bytes: number): boolean {
    // The reader must see the committed records, or it would have nothing to release. This is not a `publish`: its
    // result makes the caller ring, and if the reader slept through this, both sides would stay asleep.
    if (this.#tail !== this.#published) this.#showCommitted();
    // More than is needed: a writer that is woken for each record does little else. An empty ring is always enough.
    const wanted = Math.min(this.capacity, bytes + this.capacity * WAKE_SHARE);
    if (this.#wanted === 0 || wanted < this.#wanted) this.#setWanted(wanted);
    return this.#hasRoom(bytes);
  }

  #showCommitted(): void {
    // Publishes every payload and header written before it.
    Atomics.store(this.#positions, TAIL_WORD, this.#tail | 0);
  }

  #setWanted(bytes: number): void {
    this.#wanted = bytes;
    // Seen by the reader's next release; ordered before the look at head that follows it.
    Atomics.store(this.#positions, WANTED_WORD, bytes | 0);
  }

  #writePadding(): void {
    const header = (this.#tail & (this.capacity - 1)) >>> 2;
    this.words[header] = this.#padding - RING_HEADER_BYTES;
    this.words[header + 1] = PADDING;
    this.#tail = (this.#tail + this.#padding) >>> 0;
    this.#padding = 0;
  }
}
