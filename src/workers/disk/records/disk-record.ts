/**
 * The layout of a message in a segment, and the checks that need no checksum.
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
