/**
 * The memory of a ring and of a doorbell: the place of each word and the thread that writes it.
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
 * Source: the record layout follows Agrona's `RecordDescriptor`, the cached positions rigtorp's `SPSCQueue`.
 */

import { assert } from '../assert.ts';

/** Index of the tail word. Written by the writer. */
export const TAIL_WORD = 0;
/** Index of the wanted word. Written by the writer. */
export const WANTED_WORD = 1;
/** Index of the head word, 128 bytes from the tail so that the two never share a cache line. */
export const HEAD_WORD = 32;
/** Where the records begin, in bytes. */
export const RECORDS_OFFSET = 256;

/** Bytes before a record's payload. */
export const RING_HEADER_BYTES = 8;
/** Records begin at multiples of this. */
export const RECORD_ALIGNMENT = 8;
/** Type of the record that fills the end of the ring. No real record has type 0. */
export const PADDING = 0;

/** Index of a doorbell's count of rings: anyone may add to it, its owner waits on it. */
export const BELL_WORD = 0;
/** Index of a doorbell's sleeping flag. Written by the owner only. */
export const SLEEPING_WORD = 32;
/** Bytes of a doorbell. */
export const DOORBELL_BYTES = 256;

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
