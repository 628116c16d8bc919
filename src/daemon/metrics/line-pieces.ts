/**
 * The lines of metrics as bytes, in pieces. No string is made for a line, and the memory of pieces can be reused, so
 * that an answer of megabytes creates no garbage.
 *
 * Shape: a piece ends with a whole line.
 * Thread: any.
 */

import { valueText } from './exposition.ts';
import type { LabelList } from './label-list.ts';
import { copyWords, type LinePart, linePart, viewOf, WORD_BYTES } from './line-part.ts';

/** The memory of a piece. */
const PIECE_BYTES = 64 * 1024;
/** Room for the last line of a piece. */
const LINE_BYTES = 4096;
/** Room for a number and the end of its line. */
const VALUE_BYTES_MAX = 32;
/** Bytes of UTF-8 for a character of a string, at most. */
const CHARACTER_BYTES_MAX = 3;
/** Between labels and value. */
const CLOSING = linePart('} ');
const NEWLINE = 0x0a;
const ZERO = 0x30;
const BASE = 10;
/** Numbers that 32-bit arithmetic can split into digits. */
const SMALL_MAX = 0x7fff_ffff;
const NOTHING = Buffer.alloc(0);

/** Where pieces come from. */
export interface PieceMemory {
  /** A buffer of at least this many bytes, with undefined contents. */
  take(bytes: number): Buffer;
  /** Returns a buffer that was taken, unsliced. */
  give(buffer: Buffer): void;
}

/** Memory that the garbage collector frees. */
const FRESH: PieceMemory = {
  take: (bytes) => Buffer.allocUnsafeSlow(bytes),
  give: () => undefined,
};

export class LinePieces {
  readonly #memory: PieceMemory;
  #bytes: Buffer = NOTHING;
  #view = viewOf(NOTHING);
  #size = 0;

  constructor(memory: PieceMemory = FRESH) {
    this.#memory = memory;
  }

  /** Whether `take` is due. */
  get isWhole(): boolean {
    return this.#size >= PIECE_BYTES - LINE_BYTES;
  }

  /** Adds whole lines. */
  text(text: string): void {
    this.#reserve(text.length * CHARACTER_BYTES_MAX);
    this.#size += this.#bytes.write(text, this.#size);
  }

  /** Adds the line of a series. `closing` ends its labels. */
  sample(
    name: LinePart,
    labels: LabelList,
    index: number,
    value: number,
    closing: LinePart = CLOSING,
  ): void {
    const start = labels.start(index);
    const end = labels.end(index);
    const length = name.length + (end - start) + closing.length;
    this.#reserve(length + VALUE_BYTES_MAX + WORD_BYTES);
    const view = this.#view;
    const labelsAt = this.#size + name.length;
    copyWords(name.view, 0, name.length, view, this.#size);
    copyWords(labels.view, start, end, view, labelsAt);
    copyWords(closing.view, 0, closing.length, view, labelsAt + end - start);
    this.#size += length;
    this.#number(value);
    this.#bytes[this.#size++] = NEWLINE;
  }

  /** The lines since the last piece, in memory of their own. */
  take(): Buffer {
    const piece = this.#bytes.subarray(0, this.#size);
    this.#use(NOTHING);
    this.#size = 0;
    return piece;
  }

  #reserve(count: number): void {
    const needed = this.#size + count;
    if (needed <= this.#bytes.length) return;
    const smaller = this.#bytes;
    const larger = this.#memory.take(Math.max(needed, PIECE_BYTES));
    larger.set(smaller.subarray(0, this.#size));
    this.#use(larger);
    if (smaller.length > 0) this.#memory.give(smaller);
  }

  #use(bytes: Buffer): void {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
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
