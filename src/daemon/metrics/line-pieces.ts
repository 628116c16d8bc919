/**
 * The lines of metrics as bytes, in pieces. No string is made for a line, so that an answer of megabytes leaves the
 * garbage collector nothing but its pieces.
 *
 * Shape: a piece ends with a whole line.
 * Thread: any.
 */

import { valueText } from './exposition.ts';
import type { LabelList } from './label-list.ts';

/** The size at which a piece is whole. */
const PIECE_BYTES = 64 * 1024;
/** Room for the line that fills a piece. */
const LINE_BYTES = 4096;
/** Room for a number and the end of its line. */
const VALUE_BYTES_MAX = 32;
/** Bytes of UTF-8 for a character of a string, at most. */
const CHARACTER_BYTES_MAX = 3;
/** Between labels and value. */
const CLOSING = Buffer.from('} ');
const NEWLINE = 0x0a;
const ZERO = 0x30;
const BASE = 10;
/** Numbers that 32-bit arithmetic can split into digits. */
const SMALL_MAX = 0x7fff_ffff;
const NOTHING = Buffer.alloc(0);

export class LinePieces {
  #bytes: Buffer = NOTHING;
  #size = 0;

  /** Whether `take` is due. */
  get isWhole(): boolean {
    return this.#size >= PIECE_BYTES;
  }

  /** Adds whole lines. */
  text(text: string): void {
    this.#reserve(text.length * CHARACTER_BYTES_MAX);
    this.#size += this.#bytes.write(text, this.#size);
  }

  /** Adds the line of a series. `closing` ends its labels. */
  sample(
    name: Uint8Array,
    labels: LabelList,
    index: number,
    value: number,
    closing: Uint8Array = CLOSING,
  ): void {
    const start = labels.start(index);
    const end = labels.end(index);
    this.#reserve(name.length + (end - start) + closing.length + VALUE_BYTES_MAX);
    this.#bytes.set(name, this.#size);
    this.#size += name.length;
    this.#copy(labels.bytes, start, end);
    this.#copy(closing, 0, closing.length);
    this.#number(value);
    this.#bytes[this.#size++] = NEWLINE;
  }

  /** The lines since the last piece. */
  take(): Buffer {
    const piece = this.#bytes.subarray(0, this.#size);
    this.#bytes = NOTHING;
    this.#size = 0;
    return piece;
  }

  #reserve(count: number): void {
    const needed = this.#size + count;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, PIECE_BYTES + LINE_BYTES));
    larger.set(this.#bytes.subarray(0, this.#size));
    this.#bytes = larger;
  }

  /** Copies a few dozen bytes; a loop does that faster than a call that needs a view of them. */
  #copy(source: Uint8Array, start: number, end: number): void {
    const bytes = this.#bytes;
    let size = this.#size;
    for (let at = start; at < end; at++) bytes[size++] = source[at];
    this.#size = size;
  }

  #number(value: number): void {
    if (value < 0 || value > SMALL_MAX || (value | 0) !== value) {
      this.#size += this.#bytes.write(valueText(value), this.#size);
      return;
    }
    const bytes = this.#bytes;
    let count = 1;
    for (let rest = value; rest >= BASE; rest = (rest / BASE) | 0) count++;
    this.#size += count;
    let rest = value;
    for (let at = this.#size; count > 0; count--) {
      const tens = (rest / BASE) | 0;
      bytes[--at] = ZERO + rest - tens * BASE;
      rest = tens;
    }
  }
}
