/**
 * Which producers are registered for a topic or channel: one bit for each producer's number, since all of 200 nodes
 * may have all of 10,000 topics.
 *
 * Bound: the highest number, which is below `PRODUCERS_MAX`.
 *
 * Thread: main.
 */

const WORD_BITS = 32;

export class ProducerSet {
  /** The number of producers in the set. */
  size = 0;

  /** Grows to the highest number that was ever in the set. */
  readonly #words: number[] = [];

  has(number: number): boolean {
    const word = this.#words[Math.floor(number / WORD_BITS)];
    return word !== undefined && ((word >>> (number % WORD_BITS)) & 1) === 1;
  }

  /** Returns whether it was new. */
  add(number: number): boolean {
    if (this.has(number)) return false;
    const at = Math.floor(number / WORD_BITS);
    while (this.#words.length <= at) this.#words.push(0);
    this.#words[at] |= 1 << (number % WORD_BITS);
    this.size++;
    return true;
  }

  /** Returns whether it was in the set. */
  remove(number: number): boolean {
    if (!this.has(number)) return false;
    this.#words[Math.floor(number / WORD_BITS)] &= ~(1 << (number % WORD_BITS));
    this.size--;
    return true;
  }

  /** The numbers, lowest first. */
  *[Symbol.iterator](): Iterator<number> {
    for (const [at, bits] of this.#words.entries()) {
      for (let rest = bits; rest !== 0; rest &= rest - 1) {
        // The lowest bit that is set.
        yield at * WORD_BITS + (WORD_BITS - 1 - Math.clz32(rest & -rest));
      }
    }
  }
}
