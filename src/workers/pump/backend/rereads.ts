/**
 * Numbers of evicted records that a disk queue must hand out again, oldest first. They are kept as runs, because
 * records that are due together were often written together.
 *
 * Bound: two words for each run; the number of evicted messages bounds it.
 * Thread: pump.
 */

const RUN_WORDS = 2;
/** Used words that accumulate before they are freed. */
const TAKEN_MAX = 4096;

export class Rereads {
  /** Records in all. */
  count = 0;

  /** Runs of (first number, count). */
  #runs: number[] = [];
  /** Index of the oldest run. */
  #first = 0;

  add(number: number): void {
    const runs = this.#runs;
    const last = runs.length - RUN_WORDS;
    this.count++;
    if (last >= this.#first && (runs[last] + runs[last + 1]) >>> 0 === number) runs[last + 1]++;
    else runs.push(number, 1);
  }

  /** The oldest runs of (first number, count), with at most this many records. */
  front(countMax: number): number[] {
    const runs: number[] = [];
    let left = countMax;
    for (let at = this.#first; at < this.#runs.length && left > 0; at += RUN_WORDS) {
      const count = Math.min(left, this.#runs[at + 1]);
      runs.push(this.#runs[at], count);
      left -= count;
    }
    return runs;
  }

  /** Removes the oldest records, and calls back with each. */
  take(count: number, visit: (number: number) => void): void {
    const runs = this.#runs;
    for (let taken = 0; taken < count; taken++) {
      const number = runs[this.#first];
      runs[this.#first] = (number + 1) >>> 0;
      if (--runs[this.#first + 1] === 0) this.#first += RUN_WORDS;
      this.count--;
      visit(number);
    }
    if (this.#first < TAKEN_MAX && this.count > 0) return;
    runs.splice(0, this.#first);
    this.#first = 0;
  }

  clear(): void {
    this.#runs = [];
    this.#first = 0;
    this.count = 0;
  }
}
