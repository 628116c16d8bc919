/**
 * A queue that grows as needed, and takes no memory before its first entry.
 *
 * Bound: the owner limits the number of entries. Thread: any.
 */

/** A power of two; small, as an idle connection keeps it. */
const CAPACITY_MIN = 4;

/** First in, first out. */
export class Fifo<V> {
  #values: (V | undefined)[] = [];
  #head = 0;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  push(value: V): void {
    if (this.#count === this.#values.length) this.#grow();
    this.#values[(this.#head + this.#count) & (this.#values.length - 1)] = value;
    this.#count++;
  }

  /** Adds a value at the front. */
  unshift(value: V): void {
    if (this.#count === this.#values.length) this.#grow();
    this.#head = (this.#head - 1) & (this.#values.length - 1);
    this.#values[this.#head] = value;
    this.#count++;
  }

  /** Removes the first value. */
  shift(): V | undefined {
    if (this.#count === 0) return undefined;
    const value = this.#values[this.#head];
    this.#values[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#values.length - 1);
    this.#count--;
    return value;
  }

  /** All values, in order. */
  *[Symbol.iterator](): Generator<V, void, undefined> {
    for (let i = 0; i < this.#count; i++) {
      const value = this.#values[(this.#head + i) & (this.#values.length - 1)];
      if (value !== undefined) yield value;
    }
  }

  #grow(): void {
    const { length } = this.#values;
    const larger = new Array<V | undefined>(Math.max(CAPACITY_MIN, 2 * length)).fill(undefined);
    for (let i = 0; i < length; i++) larger[i] = this.#values[(this.#head + i) & (length - 1)];
    this.#values = larger;
    this.#head = 0;
  }
}
