/**
 * The layout of a message in a segment, the checks that need no checksum, and its checksum.
 *
 * Shape: size(4, big-endian, of what follows) timestamp(8) attempts(2) id(16) body.
 * Thread: any.
 * Source: go-diskqueue `readOne`; differs in checking the id too. If a crash leaves a hole of zeros, the size field
 * on the page before may be intact; the id then shows that there is no record.
 */

import { assert } from '../../../shared/assert.ts';
import { MESSAGE_HEADER_BYTES, MESSAGE_ID_BYTES, SIZE_BYTES } from '../../../shared/limits.ts';

/** Bytes of a record without a body, which include everything that `hasMessageId` reads. */
export const RECORD_BYTES_MIN = SIZE_BYTES + MESSAGE_HEADER_BYTES;

/** Where the id begins in a record. */
export const ID_OFFSET = RECORD_BYTES_MIN - MESSAGE_ID_BYTES;
/** Where the attempts begin in a record: two bytes before the id. */
export const RECORD_ATTEMPTS_OFFSET = ID_OFFSET - 2;

/** 1 for each byte that is a lower-case hex digit. */
const hexDigits = new Uint8Array(256);
for (const digit of Buffer.from('0123456789abcdef', 'latin1')) hexDigits[digit] = 1;

/** Bytes of the largest record, size field included. */
export function recordBytesMax(maxMsgSize: number): number {
  return RECORD_BYTES_MIN + maxMsgSize;
}

/** Bytes of the record at `at`, size field included; 0 if the size is impossible. */
export function recordSize(bytes: Uint8Array, at: number, bytesMax: number): number {
  const size = storedSize(bytes, at);
  return size < RECORD_BYTES_MIN || size > bytesMax ? 0 : size;
}

/**
 * Bytes of the record at `at`, size field included; 0 if none ends before `end`. Only the size and the id are read
 * and need to be in `bytes`.
 */
export function wholeRecordSize(
  bytes: Uint8Array,
  at: number,
  end: number,
  bytesMax: number,
): number {
  if (at + RECORD_BYTES_MIN > end) return 0;
  const size = recordSize(bytes, at, bytesMax);
  return at + size > end || !hasMessageId(bytes, at) ? 0 : size;
}

/** Bytes of the record at `at` according to its size field, possible or not. */
export function storedSize(bytes: Uint8Array, at: number): number {
  return SIZE_BYTES + sizeField(bytes, at);
}

/** The value of the size field at `at`. */
function sizeField(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
}

/** Whether the record at `at` has a valid message id. */
export function hasMessageId(bytes: Uint8Array, at: number): boolean {
  for (let index = at + ID_OFFSET; index < at + RECORD_BYTES_MIN; index++) {
    if (hexDigits[bytes[index]] === 0) return false;
  }
  return true;
}

/**
 * Checks records on their way to disk.
 *
 * Shape: `count` disk records from `start` to `end`.
 * Errors: throws on an impossible size, as nsqd does. Bytes that are not `count` records are a bug.
 */
export function checkRecords(
  bytes: Uint8Array,
  start: number,
  end: number,
  count: number,
  bytesMax: number,
): void {
  let at = start;
  for (let index = 0; index < count; index++) {
    assert(at + SIZE_BYTES <= end, 'there are as many records as are counted');
    const size = recordSize(bytes, at, bytesMax);
    if (size === 0) {
      throw new Error(
        `invalid message write size (${sizeField(bytes, at)}) minMsgSize=${MESSAGE_HEADER_BYTES} ` +
          `maxMsgSize=${bytesMax - SIZE_BYTES}`,
      );
    }
    at += size;
  }
  assert(at === end, 'records end where their bytes end');
}

/*
 * The checksum of a record covers everything from the size field to the end of the body. It finds damage and tells
 * records apart.
 *
 * Two lanes alternate over words of 32 bits; the remaining bytes go into the first lane. Every step is injective in
 * the word and in the lane, so a change within one word is always detected, and any other change is missed with a
 * probability of 1 in 2^32. It protects against accidents, not against attackers.
 *
 * It is written in JavaScript because a call into zlib costs more than three times as much for a small message (here 57
 * ns for 230 bytes).
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

/** A cache for the whole thread: an entry follows from its array alone, and goes with it. */
const views = new WeakMap<Uint8Array, DataView>();

/**
 * The `DataView` of a byte array, with the same offsets, cached per array. Reading words through it is several times
 * cheaper than Buffer's methods, but creating one is not.
 */
export function dataViewOf(bytes: Uint8Array): DataView {
  let view = views.get(bytes);
  if (view === undefined) {
    view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    views.set(bytes, view);
  }
  return view;
}
