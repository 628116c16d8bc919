/**
 * A checksum of a record in a segment, from the size field to the end of the body. It finds damage and tells records
 * apart.
 *
 * Two lanes alternate over words of 32 bits; the remaining bytes go into the first lane. Every step is injective in
 * the word and in the lane, so a change within one word is always detected, and any other change is missed with a
 * probability of 1 in 2^32. It protects against accidents, not against attackers.
 *
 * It is written in JavaScript because a call into zlib costs more than three times as much for a small message (here 57
 * ns for 230 bytes).
 *
 * Thread: any.
 */

const FIRST_SEED = 0x6a09e667;
const SECOND_SEED = 0x3c6ef372;
/** Odd, so that multiplication is invertible; with as many ones as zeros, so that it mixes well. */
const FIRST_FACTOR = 0x9e3779b1;
const SECOND_FACTOR = 0x85ebca6b;

/**
 * The checksum of the bytes from `start` to `end`, anywhere in memory.
 *
 * Shape: `view` shows the same bytes as `bytes`, at the same offsets. Units: 32 bits, unsigned.
 */
export function recordChecksum(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
): number {
  let first = FIRST_SEED ^ (end - start);
  let second = SECOND_SEED;
  let at = start;
  for (; at + 8 <= end; at += 8) {
    first = Math.imul(first ^ view.getInt32(at, true), FIRST_FACTOR);
    first = (first << 15) | (first >>> 17);
    second = Math.imul(second ^ view.getInt32(at + 4, true), SECOND_FACTOR);
    second = (second << 13) | (second >>> 19);
  }
  for (; at < end; at++) {
    first = Math.imul(first ^ bytes[at], FIRST_FACTOR);
    first = (first << 15) | (first >>> 17);
  }
  return mix(Math.imul(first, SECOND_FACTOR) ^ second);
}

/** Spreads every bit over the whole number; a bijection. */
function mix(value: number): number {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), SECOND_FACTOR);
  mixed = Math.imul(mixed ^ (mixed >>> 13), FIRST_FACTOR);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
