/**
 * The time from publish to finish: percentiles over a time window.
 *
 * Two sketches cover half the window each; the older one is dropped when the younger half is full. A
 * percentile is within 1 % of the exact value of its rank.
 *
 * Bound: a sketch has at most BINS_MAX bins; the smallest latencies share one beyond that.
 * Units: latencies in ns, times in ms (monotonic).
 *
 * Thread: pump. Source: nsqd `internal/quantile`, which merges two CKMS streams in the same way. This is the only
 * file that uses @datadog/sketches-js.
 */

import { createRequire } from 'node:module';
import type { LogCollapsingLowestDenseDDSketch as Sketch } from '@datadog/sketches-js';
import { atFirstUse } from '../../shared/first-use.ts';

/** Only options ask for percentiles. */
const sketches = atFirstUse((): typeof import('@datadog/sketches-js') =>
  createRequire(import.meta.url)('@datadog/sketches-js'),
);

const RELATIVE_ACCURACY = 0.01;
const BINS_MAX = 2048;

/** The result: the samples in the window, and a value for each quantile. */
export type LatencySummary = { count: number; values: number[] };

/** The settings of the measurement. */
export type LatencyWindow = {
  readonly windowMs: number;
  /** Wall clock time in ns since 1970. */
  readonly unixNs: () => number;
};

const NS_PER_MS = 1e6;
const NS_PER_SECOND = 1e9;

export class ProcessingLatency {
  readonly #halfMs: number;
  #current = makeSketch();
  #previous = makeSketch();
  #currentSinceMs: number;

  /** Creates the sketches of a channel at its first finished message. */
  static since({ windowMs }: LatencyWindow, nowNs: number): ProcessingLatency {
    return new ProcessingLatency(windowMs, nowNs / NS_PER_MS);
  }

  constructor(windowMs: number, nowMs: number) {
    this.#halfMs = windowMs / 2;
    this.#currentSinceMs = nowMs;
  }

  /** Adds a message that is finished now. */
  add(latencyNs: number, nowMs: number): void {
    this.#turn(nowMs);
    // If the clock was set back, the latency counts as zero.
    this.#current.accept(Math.max(0, latencyNs));
  }

  /** Adds a message that was published at that time and is finished now. */
  addPublished(publishedSeconds: number, nowNs: number): void {
    this.add(nowNs - publishedSeconds * NS_PER_SECOND, nowNs / NS_PER_MS);
  }

  /** Percentiles of several channels together, with a `yield` after each. Units: quantiles from 0 to 1. */
  static *summarize(
    latencies: Iterable<ProcessingLatency>,
    quantiles: readonly number[],
    nowMs: number,
  ): Generator<void, LatencySummary> {
    const merged = makeSketch();
    for (const latency of latencies) {
      latency.#turn(nowMs);
      merged.merge(latency.#current);
      merged.merge(latency.#previous);
      yield;
    }
    const values = quantiles.map((quantile) =>
      merged.count === 0 ? 0 : Math.round(merged.getValueAtQuantile(quantile)),
    );
    return { count: merged.count, values };
  }

  /** Drops samples older than the window. */
  #turn(nowMs: number): void {
    const elapsedMs = nowMs - this.#currentSinceMs;
    if (elapsedMs < this.#halfMs) return;
    this.#previous = elapsedMs < 2 * this.#halfMs ? this.#current : makeSketch();
    this.#current = makeSketch();
    this.#currentSinceMs = nowMs;
  }
}

function makeSketch(): Sketch {
  const { LogCollapsingLowestDenseDDSketch: Empty } = sketches();
  return new Empty({ relativeAccuracy: RELATIVE_ACCURACY, binLimit: BINS_MAX });
}
