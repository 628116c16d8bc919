/**
 * What a workload is given and what it returns: a count of its progress, and its outcome.
 */

import type { LatencyDetail, Percentiles } from '../percentiles.ts';
import type { Figures } from '../report/metrics.ts';

export type Outcome = {
  /** What was published, consumed, cycled through: the load's unit. */
  readonly count: number;
  readonly elapsedMs: number;
  readonly percentiles: Percentiles | null;
  /** The samples that the percentiles are of. */
  readonly latency?: LatencyDetail;
  /** Figures of this workload only. */
  readonly figures: Figures;
};

/** Without anything happening for so long, a server is taken to have lost what is waited for. */
const STALL_MS = 60_000;

export class ProgressCount {
  /** Whatever the workload counts. */
  done = 0;
  /** When nothing happens for so long, the workload fails. */
  stallMs = STALL_MS;

  readonly #onReady: () => Promise<void>;

  /** `onReady` resolves when it may begin. */
  constructor(onReady: () => Promise<void>) {
    this.#onReady = onReady;
  }

  /** Everything is connected; resolves when what is measured begins. */
  started(): Promise<void> {
    return this.#onReady();
  }

  /** Nothing is expected to happen for so long. */
  allowQuiet(ms: number): void {
    this.stallMs = STALL_MS + ms;
  }
}
