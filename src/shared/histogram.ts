/**
 * Counts durations by size, in a range of a thread's numbers, so that a duration costs a few additions and no object.
 *
 * Shape: a count for each bound of `BOUNDS_US`, one for longer durations, and the sum in ms. Bounds are 1, 2, 5, 10 …,
 * so that at most one of them lies between two powers of two: the power selects the bucket.
 *
 * Thread: any; each histogram belongs to one thread.
 */

/** A duration counts in the bucket of the first bound that is not shorter. Units: µs. */
export const BOUNDS_US: readonly number[] = [
  50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000,
  1_000_000, 2_000_000, 5_000_000, 10_000_000, 20_000_000, 50_000_000, 100_000_000, 200_000_000,
  500_000_000, 1_000_000_000,
];
const LONGER = BOUNDS_US.length;
const SUM = LONGER + 1;
/** The numbers that a histogram occupies. */
export const HISTOGRAM_NUMBERS = SUM + 1;

const US_PER_MS = 1000;
const LONGEST_US = BOUNDS_US[LONGER - 1];
const WORD_BITS = 32;
/** For each number of leading zeros of a duration: the first bound that may apply, and its value. */
const FIRST_BUCKET = Array.from({ length: WORD_BITS + 1 }, (_, zeros) => {
  const leastUs = zeros === WORD_BITS ? 0 : 2 ** (WORD_BITS - 1 - zeros);
  const index = BOUNDS_US.findIndex((bound) => bound >= leastUs);
  return index === -1 ? LONGER : index;
});

/** The bucket of a duration. A negative one, which a wall clock that was set back can cause, counts as zero. */
export function bucketOf(ms: number): number {
  const us = Math.ceil(ms * US_PER_MS);
  if (us <= 0) return 0;
  if (us > LONGEST_US) return LONGER;
  const bucket = FIRST_BUCKET[Math.clz32(us)];
  return us <= BOUNDS_US[bucket] ? bucket : bucket + 1;
}

export class Histogram {
  readonly #numbers: Float64Array;
  readonly #at: number;

  /** `at`: the start of its `HISTOGRAM_NUMBERS`. */
  constructor(numbers: Float64Array, at: number) {
    this.#numbers = numbers;
    this.#at = at;
  }

  /** Counts a duration this many times. */
  add(ms: number, count = 1): void {
    this.#numbers[this.#at + bucketOf(ms)] += count;
    this.#numbers[this.#at + SUM] += Math.max(0, ms) * count;
  }
}

/** The sum of the histograms of several threads. Shape: `counts` by bucket. Units: `sumMs` in ms. */
export type Durations = { readonly counts: readonly number[]; readonly sumMs: number };

/** Adds up the histograms that start at `at` in each thread's numbers. */
export function durationsOf(threads: readonly Float64Array[], at: number): Durations {
  const counts = new Array<number>(LONGER + 1).fill(0);
  let sumMs = 0;
  for (const numbers of threads) {
    for (let bucket = 0; bucket <= LONGER; bucket++) counts[bucket] += numbers[at + bucket];
    sumMs += numbers[at + SUM];
  }
  return { counts, sumMs };
}
