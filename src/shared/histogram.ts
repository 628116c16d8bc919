/**
 * Counts durations by size, in a stretch of a thread's numbers, so that a duration costs a few additions and no object.
 *
 * Shape: a count for each bound of `BOUNDS_US`, one for what is longer than all of them, and the sum in ms. Bounds go
 * 1, 2, 5, 10 …, so that at most one of them lies between two powers of two: the power finds the bucket.
 *
 * Thread: any; each histogram belongs to one thread.
 */

/** A duration counts with the first bound that is not shorter. Units: µs. */
export const BOUNDS_US: readonly number[] = [
  50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000,
  1_000_000, 2_000_000, 5_000_000, 10_000_000, 20_000_000, 50_000_000, 100_000_000, 200_000_000,
  500_000_000, 1_000_000_000,
];
const LONGER = BOUNDS_US.length;
const SUM = LONGER + 1;
/** Numbers that a histogram takes. */
export const HISTOGRAM_NUMBERS = SUM + 1;

const US_PER_MS = 1000;
const LONGEST_US = BOUNDS_US[LONGER - 1];
const WORD_BITS = 32;
/** By the leading zeros of a duration: the first bound that may be its own, and that bound. */
const FIRST_BUCKET = Array.from({ length: WORD_BITS + 1 }, (_, zeros) => {
  const leastUs = zeros === WORD_BITS ? 0 : 2 ** (WORD_BITS - 1 - zeros);
  const index = BOUNDS_US.findIndex((bound) => bound >= leastUs);
  return index === -1 ? LONGER : index;
});

/** The bucket of a duration. What is negative, as when a wall clock was set back, counts as none. */
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

  /** `at`: where its `HISTOGRAM_NUMBERS` begin. */
  constructor(numbers: Float64Array, at: number) {
    this.#numbers = numbers;
    this.#at = at;
  }

  /** Counts a duration, so many times. */
  add(ms: number, count = 1): void {
    this.#numbers[this.#at + bucketOf(ms)] += count;
    this.#numbers[this.#at + SUM] += Math.max(0, ms) * count;
  }
}

/** What histograms of several threads say together. Shape: `counts` by bucket. Units: `sumMs` in ms. */
export type Durations = { readonly counts: readonly number[]; readonly sumMs: number };

/** Adds up the histograms that begin at `at` in each thread's numbers. */
export function durationsOf(threads: readonly Float64Array[], at: number): Durations {
  const counts = new Array<number>(LONGER + 1).fill(0);
  let sumMs = 0;
  for (const numbers of threads) {
    for (let bucket = 0; bucket <= LONGER; bucket++) counts[bucket] += numbers[at + bucket];
    sumMs += numbers[at + SUM];
  }
  return { counts, sumMs };
}
