/**
 * The labels of many series as bytes, one after the other: written once for a scrape, copied into the lines of each
 * metric.
 *
 * Bound: the caller's number of series.
 * Thread: any.
 */

import { viewOf, WORD_BYTES } from './line-part.ts';

const FIRST_BYTES = 4096;
/** Bytes of UTF-8 for a character of a string, at most. */
const CHARACTER_BYTES_MAX = 3;

export class LabelList {
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #view = viewOf(this.#bytes);
  /** Where each begins, and the end of the last. */
  readonly #starts = [0];

  /** The bytes of all labels, and at least WORD_BYTES more. Valid until the next labels are added. */
  get view(): DataView {
    return this.#view;
  }

  /** Adds the labels of the next series: an opening brace, names and quoted values, but no closing brace. */
  add(text: string): void {
    const size = this.#starts[this.#starts.length - 1];
    const needed = size + text.length * CHARACTER_BYTES_MAX + WORD_BYTES;
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = viewOf(larger);
    }
    this.#starts.push(size + this.#bytes.write(text, size));
  }

  /** Position of the first byte of a series' labels. */
  start(index: number): number {
    return this.#starts[index];
  }

  /** Position after their last byte. */
  end(index: number): number {
    return this.#starts[index + 1];
  }
}
