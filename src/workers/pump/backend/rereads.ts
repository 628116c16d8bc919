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
  /** Records in all, without removed ones. */
  count = 0;
  /** How many have left, removed ones included: the number of the oldest one's place. */
  #taken = 0;
  /** Records that need not be read, in their places. */
  readonly #removed = new Set<number>();

  /** Runs of (first number, count). */
  #runs: number[] = [];
  /** Index of the oldest run. */
  #first = 0;

  add(number: number): void {
    if (this.#removed.delete(number)) {
      this.count++;
      return;
    }
    const runs = this.#runs;
    const last = runs.length - RUN_WORDS;
    this.count++;
    if (last >= this.#first && (runs[last] + runs[last + 1]) >>> 0 === number) runs[last + 1]++;
    else runs.push(number, 1);
  }

  /**
   * Calls `visit` with each record from this place on, until it returns false. Returns the place after the last one; -1
   * at the end.
   */
  visitFrom(from: number, visit: (number: number, place: number) => boolean): number {
    let place = this.#taken;
    for (let at = this.#first; at < this.#runs.length; at += RUN_WORDS) {
      const count = this.#runs[at + 1];
      for (let index = Math.max(0, from - place); index < count; index++) {
        const number = (this.#runs[at] + index) >>> 0;
        if (!this.#removed.has(number) && !visit(number, place + index)) return place + index + 1;
      }
      place += count;
    }
    return -1;
  }

  /** A record need not be read. Returns whether it was to be. */
  remove(number: number): boolean {
    let isThere = false;
    this.visitFrom(0, (one) => {
      isThere = one === number;
      return !isThere;
    });
    if (!isThere) return false;
    this.#removed.add(number);
    this.count--;
    return true;
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

  /** Takes the oldest records, removed ones too, and calls back with each. */
  take(count: number, visit: (number: number, isRemoved: boolean) => void): void {
    const runs = this.#runs;
    for (let taken = 0; taken < count; taken++) {
      const number = runs[this.#first];
      runs[this.#first] = (number + 1) >>> 0;
      if (--runs[this.#first + 1] === 0) this.#first += RUN_WORDS;
      this.#taken++;
      const isRemoved = this.#removed.delete(number);
      if (!isRemoved) this.count--;
      visit(number, isRemoved);
    }
    if (this.#first < TAKEN_MAX && this.#first < runs.length) return;
    runs.splice(0, this.#first);
    this.#first = 0;
  }

  clear(): void {
    this.#runs = [];
    this.#removed.clear();
    this.#first = 0;
    this.count = 0;
  }
}
