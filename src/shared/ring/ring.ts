/**
 * A ring carries records from one thread to another: its memory, the end that reads and the end that writes.
 *
 * Shape of a ring's SharedArrayBuffer, in bytes; every word is an unsigned 32-bit integer:
 *
 *       0  tail     bytes ever written                    written by the writer only
 *       4  wanted   room that the writer waits for, or 0  written by the writer only
 *     128  head     bytes ever read                       written by the reader only
 *     256  records  `capacity` bytes, a power of two
 *
 * Shape of a record, aligned to 8 bytes:
 *
 *       0  length   bytes of payload
 *       4  type     a record type, or PADDING
 *       8  payload
 *
 * A record is contiguous: if it would pass the end of the ring, a PADDING record fills the rest and the record begins
 * at the start. Positions count bytes, are never reset, and wrap at 2^32, so they are compared by `(tail - head) >>>
 * 0` and never by `<`. No value is wider than 32 bits: a wider one travels as two words, so no platform's rules for
 * 64-bit alignment matter.
 *
 * Thread: as at each end.
 * Source: the record layout follows Agrona's `RecordDescriptor`, the cached positions rigtorp's `SPSCQueue`.
 */

import { assert } from '../assert.ts';

/** Index of the tail word. Written by the writer. */
export const TAIL_WORD = 0;
/** Index of the wanted word. Written by the writer. */
const WANTED_WORD = 1;
/** Index of the head word, 128 bytes from the tail so that the two never share a cache line. */
export const HEAD_WORD = 32;
/** Where the records begin, in bytes. */
export const RECORDS_OFFSET = 256;

/** Bytes before a record's payload. */
export const RING_HEADER_BYTES = 8;
/** Records begin at multiples of this. */
export const RECORD_ALIGNMENT = 8;
/** Type of the record that fills the end of the ring. No real record has type 0. */
const PADDING = 0;

/** Largest ring: positions are 32 bits wide, and a full ring must differ from an empty one. */
export const RING_CAPACITY_MAX = 2 ** 30;

/** Bytes that a record with a payload of this length takes in the ring. */
export function recordBytes(length: number): number {
  return (RING_HEADER_BYTES + length + (RECORD_ALIGNMENT - 1)) & ~(RECORD_ALIGNMENT - 1);
}

/** Bytes of a ring that are published and not released, as another thread than its two ends sees it. */
export function usedBytes(memory: SharedArrayBuffer): number {
  const positions = new Int32Array(memory, 0, RECORDS_OFFSET / 4);
  // Read first: what is published later only adds to what is in the ring.
  const head = Atomics.load(positions, HEAD_WORD);
  // Sees at least what the head above has passed.
  const tail = Atomics.load(positions, TAIL_WORD);
  return Math.min(memory.byteLength - RECORDS_OFFSET, (tail - head) >>> 0);
}

/** Allocates the memory of a ring. Units: `capacity` in bytes, a power of two. */
export function allocateRing(capacity: number): SharedArrayBuffer {
  assert(isPowerOfTwo(capacity), 'a ring has a power of two bytes');
  assert(capacity >= 64 && capacity <= RING_CAPACITY_MAX, 'a ring has 64 bytes to 1 GiB');
  return new SharedArrayBuffer(RECORDS_OFFSET + capacity);
}

/**
 * The smallest ring in which a record of this payload always finds room once the ring is empty, wherever the
 * positions stand: the padding before it is smaller than the record itself, so twice the record is enough.
 */
export function capacityFor(length: number, atLeast: number): number {
  let capacity = 64;
  while (capacity < atLeast || capacity < 2 * recordBytes(length)) capacity *= 2;
  return capacity;
}

function isPowerOfTwo(value: number): boolean {
  return Number.isInteger(Math.log2(value));
}

assert(RECORDS_OFFSET % RECORD_ALIGNMENT === 0, 'records are aligned in the buffer');
assert(RING_HEADER_BYTES === RECORD_ALIGNMENT, 'the end of a ring always has room for a header');
assert((HEAD_WORD - TAIL_WORD) * 4 >= 128, 'head and tail are on different cache lines');

/** Result of `front` when everything seen by `look` has been popped. */
export const EMPTY = 0;

/**
 * The reading end of a ring.
 *
 * `look` reads how much has been published; `front` and `pop` go through that, record by record; `release` returns the
 * room of all popped records with one store. A record's payload may be read until `release`.
 *
 * Thread: the one thread that consumes; it changes hands only while no thread uses the ring.
 */
export class RingReader {
  /** The records' memory as bytes. */
  readonly bytes: Buffer;
  /** The same memory as words; index = offset / 4. */
  readonly words: Uint32Array;
  readonly capacity: number;
  /** Offset in `bytes` of the front record's payload. */
  offset = 0;
  /** Bytes of the front record's payload. */
  length = 0;

  readonly #positions: Int32Array;
  /** Bytes ever popped. */
  #head: number;
  /** Bytes ever released. */
  #released: number;
  /** The writer's tail as last looked at. */
  #tail: number;

  constructor(memory: SharedArrayBuffer) {
    this.capacity = memory.byteLength - RECORDS_OFFSET;
    this.#positions = new Int32Array(memory, 0, RECORDS_OFFSET / 4);
    this.bytes = Buffer.from(memory, RECORDS_OFFSET, this.capacity);
    this.words = new Uint32Array(memory, RECORDS_OFFSET, this.capacity / 4);
    // Only this end writes the head, so this is the value that it wrote last.
    this.#head = Atomics.load(this.#positions, HEAD_WORD) >>> 0;
    this.#released = this.#head;
    this.#tail = this.#head;
  }

  /** Bytes ever popped, modulo 2^32; comparable with the writer's `position`. */
  get position(): number {
    return this.#head;
  }

  /** Reads how much has been published so far. Returns whether there is anything to pop. */
  look(): boolean {
    // Sees the writer's last publish, and with it every payload and header written before.
    this.#tail = Atomics.load(this.#positions, TAIL_WORD) >>> 0;
    return this.#tail !== this.#head;
  }

  /** The type of the oldest record not yet popped, its payload at `offset`; EMPTY when there is none. */
  front(): number {
    while (this.#head !== this.#tail) {
      const at = this.#head & (this.capacity - 1);
      const length = this.words[at >>> 2];
      const type = this.words[(at >>> 2) + 1];
      if (type !== PADDING) {
        this.offset = at + RING_HEADER_BYTES;
        this.length = length;
        return type;
      }
      this.#head = (this.#head + recordBytes(length)) >>> 0;
    }
    return EMPTY;
  }

  /** Moves past the record that `front` returned. */
  pop(): void {
    this.#head = (this.#head + recordBytes(this.length)) >>> 0;
  }

  /**
   * Returns the room of all popped records to the writer. The result tells whether the writer waits for room and now
   * has as much as it wants, so that its doorbell must be rung.
   */
  release(): boolean {
    if (this.#released === this.#head) return false;
    this.#released = this.#head;
    // Lets the writer overwrite what this end has read; all reads of those records happen before.
    Atomics.store(this.#positions, HEAD_WORD, this.#head | 0);
    // Ordered after the store: either the writer's next look sees the new head, or this sees what it wants.
    const wanted = Atomics.load(this.#positions, WANTED_WORD) >>> 0;
    if (wanted === 0) return false;
    // A writer that waits has shown everything that it has committed.
    const tail = Atomics.load(this.#positions, TAIL_WORD);
    return this.capacity - ((tail - this.#head) >>> 0) >= wanted;
  }
}

/** Result of `claim` when the ring has no room. */
export const FULL = -1;
/** A writer that waits is woken when this share of the ring is free beyond what it needs. */
const WAKE_SHARE = 1 / 8;

/**
 * The writing end of a ring.
 *
 * A record is claimed, filled in place, and committed; any number of committed records become visible to the
 * reader with one `publish`. A claim may be larger than what is committed in the end.
 *
 * Thread: the one thread that produces; it changes hands only while no thread uses the ring.
 */
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
