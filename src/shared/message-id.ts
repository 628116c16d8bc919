/**
 * Message ids, as text and as two words, and the ids of new messages.
 *
 * Shape: 64 bits, written as 16 lower-case hex digits, the most significant first. As words: high, low.
 * Thread: any.
 */

import { assert } from './assert.ts';

/** Answer of `parseHexWord` for bytes that are not eight lower-case hex digits. */
export const NOT_HEX = -1;

const INVALID_DIGIT = 0x100;
const DIGIT_VALUES = new Uint16Array(256).fill(INVALID_DIGIT);
const BYTE_DIGITS = new Uint8Array(512);

for (const [value, digit] of [...'0123456789abcdef'].entries()) {
  DIGIT_VALUES[digit.charCodeAt(0)] = value;
}
for (let byte = 0; byte < 256; byte++) {
  BYTE_DIGITS.set(Buffer.from(byte.toString(16).padStart(2, '0'), 'latin1'), 2 * byte);
}

/** The value of eight hex digits at `at`, 0 to 2^32 - 1, or NOT_HEX. */
export function parseHexWord(bytes: Uint8Array, at: number): number {
  const a = DIGIT_VALUES[bytes[at]];
  const b = DIGIT_VALUES[bytes[at + 1]];
  const c = DIGIT_VALUES[bytes[at + 2]];
  const d = DIGIT_VALUES[bytes[at + 3]];
  const e = DIGIT_VALUES[bytes[at + 4]];
  const f = DIGIT_VALUES[bytes[at + 5]];
  const g = DIGIT_VALUES[bytes[at + 6]];
  const h = DIGIT_VALUES[bytes[at + 7]];
  if ((a | b | c | d | e | f | g | h) >= INVALID_DIGIT) return NOT_HEX;
  return (
    ((a << 28) | (b << 24) | (c << 20) | (d << 16) | (e << 12) | (f << 8) | (g << 4) | h) >>> 0
  );
}

/** Writes a word as eight hex digits at `at`. */
export function writeHexWord(value: number, bytes: Uint8Array, at: number): void {
  const a = (value >>> 24) << 1;
  const b = ((value >>> 16) & 255) << 1;
  const c = ((value >>> 8) & 255) << 1;
  const d = (value & 255) << 1;
  bytes[at] = BYTE_DIGITS[a];
  bytes[at + 1] = BYTE_DIGITS[a + 1];
  bytes[at + 2] = BYTE_DIGITS[b];
  bytes[at + 3] = BYTE_DIGITS[b + 1];
  bytes[at + 4] = BYTE_DIGITS[c];
  bytes[at + 5] = BYTE_DIGITS[c + 1];
  bytes[at + 6] = BYTE_DIGITS[d];
  bytes[at + 7] = BYTE_DIGITS[d + 1];
}

const EPOCH_UNITS = 1288834974288;
const SEQUENCE_COUNT = 4096;
const WORD = 2 ** 32;

/**
 * The ids of one topic's messages, strictly increasing.
 *
 * Shape of an id: 42 bits of time (units of 2^20 ns since an epoch of 2009), 10 bits of node id, 12 bits of
 * sequence. Ids are taken in runs: a batch of messages needs only its first id.
 *
 * Bound: 4096 ids for each unit of time. nsqd sleeps when they are used up or the clock has gone back. This factory
 * borrows from later units instead, so ids of a long burst run ahead of the clock.
 *
 * Source: nsqd's `guid.go`.
 */
export class MessageIdFactory {
  /** The first id of the run last taken. */
  high = 0;
  low = 0;

  readonly #nodeBits: number;
  #unit = 0;
  #sequence = 0;

  /** Units: `nodeId` 0 to 1023. */
  constructor(nodeId: number) {
    assert(nodeId >= 0 && nodeId < 1024, 'a node id has 10 bits');
    this.#nodeBits = nodeId << 12;
  }

  /**
   * Takes a run of up to `count` consecutive ids into `high` and `low`, and returns how many it holds: a run
   * ends with its unit of time. Units: the time is Unix ns as two words.
   */
  take(count: number, timestampHigh: number, timestampLow: number): number {
    const unit = timestampHigh * 4096 + (timestampLow >>> 20) - EPOCH_UNITS;
    if (unit > this.#unit) {
      this.#unit = unit;
      this.#sequence = 0;
    } else if (this.#sequence === SEQUENCE_COUNT) {
      this.#unit++;
      this.#sequence = 0;
    }
    const taken = Math.min(count, SEQUENCE_COUNT - this.#sequence);
    this.high = Math.floor(this.#unit / 1024) % WORD;
    this.low = (((this.#unit % 1024) << 22) | this.#nodeBits | this.#sequence) >>> 0;
    this.#sequence += taken;
    return taken;
  }
}
