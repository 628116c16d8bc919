/**
 * How long things took: a histogram that costs the same for any number of samples, and what is said of it.
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

const NS_PER_MS = 1e6;
/** What takes longer counts as an hour. */
const LONGEST_NS = 3600e9;
/** Significant digits of what the histogram tells. */
const DIGITS = 3;

export class Durations {
  readonly #histogram = createHistogram({ lowest: 1, highest: LONGEST_NS, figures: DIGITS });

  /** Less than a nanosecond, be it negative, counts as one. */
  add(ms: number): void {
    const ns = Math.round(ms * NS_PER_MS);
    this.#histogram.record(ns < 1 ? 1 : Math.min(ns, LONGEST_NS));
  }

  /** Null when nothing was added. */
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
}
