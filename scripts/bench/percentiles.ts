/**
 * Durations: a histogram whose cost does not depend on the number of samples, its percentiles, and their course over
 * time.
 *
 * Bound: WINDOWS_MAX windows of time; later samples belong to no window.
 */

import { createHistogram } from 'node:perf_hooks';

/** Units: ms. */
export type Percentiles = {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
};

/** Part of the samples. Units: `atMs` ms since the first window; the others ms. */
export type LatencyWindow = {
  readonly atMs: number;
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
};

/** Shape: `histogram` has the upper bound of each bucket that has samples, in ms, and their number. */
export type LatencyDetail = {
  readonly histogram: readonly (readonly [upperMs: number, count: number])[];
  readonly windows: readonly LatencyWindow[];
};

const NS_PER_MS = 1e6;
const US_PER_MS = 1000;
/** Longer durations count as an hour. */
const LONGEST_NS = 3600e9;
/** Significant digits of the histogram's values. */
const DIGITS = 3;
const WINDOW_MS = 500;
const WINDOWS_MAX = 1200;
/** Buckets between a number of µs and its double. */
const STEPS = 4;
const STEP_BITS = 2;
const EXPONENT_MAX = 31;
const BUCKETS = (EXPONENT_MAX + 1) * STEPS;

export class Durations {
  readonly #histogram = createHistogram({ lowest: 1, highest: LONGEST_NS, figures: DIGITS });
  readonly #buckets = new Uint32Array(BUCKETS);
  /** The buckets at the end of the last window. */
  readonly #before = new Uint32Array(BUCKETS);
  readonly #windows: LatencyWindow[] = [];
  readonly #timer: NodeJS.Timeout;
  /** The start of the window with the first sample. */
  #firstMs = 0;
  #endMs = performance.now();

  constructor() {
    this.#timer = setInterval(() => this.#closeWindow(), WINDOW_MS);
    this.#timer.unref();
  }

  /** Less than a nanosecond, even if negative, counts as one. */
  add(ms: number): void {
    const ns = Math.round(ms * NS_PER_MS);
    this.#histogram.record(ns < 1 ? 1 : Math.min(ns, LONGEST_NS));
    this.#buckets[bucketOf(ms)]++;
  }

  /** Null if nothing was added. */
  percentiles(): Percentiles | null {
    const histogram = this.#histogram;
    if (histogram.count === 0) return null;
    const at = (percent: number): number => histogram.percentile(percent) / NS_PER_MS;
    return {
      p50: at(50),
      p90: at(90),
      p99: at(99),
      p999: at(99.9),
      max: histogram.max / NS_PER_MS,
    };
  }

  /** All of it, once nothing more is added. */
  summary(): { percentiles: Percentiles | null; latency: LatencyDetail } {
    return { percentiles: this.percentiles(), latency: this.#detail() };
  }

  #detail(): LatencyDetail {
    clearInterval(this.#timer);
    this.#closeWindow();
    const histogram = [...this.#buckets]
      .map((count, bucket): [number, number] => [upperMsOf(bucket), count])
      .filter(([, count]) => count > 0);
    return { histogram, windows: this.#windows };
  }

  #closeWindow(): void {
    const beginMs = this.#endMs;
    this.#endMs = performance.now();
    const counts = this.#buckets.map((count, bucket) => count - this.#before[bucket]);
    this.#before.set(this.#buckets);
    const count = counts.reduce((sum, one) => sum + one, 0);
    if (count === 0 || this.#windows.length === WINDOWS_MAX) return;
    if (this.#windows.length === 0) this.#firstMs = beginMs;
    this.#windows.push({
      atMs: beginMs - this.#firstMs,
      count,
      p50: percentileOf(counts, count / 2),
      p99: percentileOf(counts, count * 0.99),
      max: percentileOf(counts, count),
    });
  }
}

/** Bounds are a quarter of a power of two of µs apart, so a bucket is at most a fifth wide. */
function bucketOf(ms: number): number {
  const us = Math.min(Math.max(ms * US_PER_MS, 1), 2 ** EXPONENT_MAX - 1) >>> 0;
  const exponent = EXPONENT_MAX - Math.clz32(us);
  const step = exponent < STEP_BITS ? 0 : (us >>> (exponent - STEP_BITS)) & (STEPS - 1);
  return exponent * STEPS + step;
}

function upperMsOf(bucket: number): number {
  const exponent = Math.floor(bucket / STEPS);
  return (2 ** exponent * (1 + ((bucket % STEPS) + 1) / STEPS)) / US_PER_MS;
}

/** The upper bound of the bucket with the sample of this rank. */
function percentileOf(counts: Uint32Array, rank: number): number {
  let seen = 0;
  for (const [bucket, count] of counts.entries()) {
    seen += count;
    if (count > 0 && seen >= rank) return upperMsOf(bucket);
  }
  return 0;
}
