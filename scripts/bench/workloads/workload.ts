/**
 * The input and output of a workload: its progress, and its outcome.
 */

import type { LatencyDetail, Percentiles } from '../percentiles.ts';
import type { Figures } from '../report/metrics.ts';

export type Outcome = {
  /** The number of units that were published, consumed or cycled through. */
  readonly count: number;
  readonly elapsedMs: number;
  readonly percentiles: Percentiles | null;
  /** The samples of the percentiles. */
  readonly latency?: LatencyDetail;
  /** Figures of this workload only. */
  readonly figures: Figures;
};

/** If nothing happens for this long, the server has lost what the workload waits for. */
const STALL_MS = 60_000;

export class ProgressCount {
  /** Any unit of the workload. */
  done = 0;
  /** The workload fails if nothing happens for this long. */
  stallMs = STALL_MS;

  readonly #onReady: () => Promise<void>;

  /** The measurement begins when `onReady` resolves. */
  constructor(onReady: () => Promise<void>) {
    this.#onReady = onReady;
  }

  /** Everything is connected; the measurement begins when the promise resolves. */
  started(): Promise<void> {
    return this.#onReady();
  }

  /** Nothing is expected to happen for this long. */
  allowQuiet(ms: number): void {
    this.stallMs = STALL_MS + ms;
  }
}
