/**
 * Measures work that main cannot do in slices, and logs a warning if it takes long: clients see the broker stall, and
 * its operator looks for the reason in the log.
 *
 * Thread: main.
 */

import type { Clock } from '../../shared/clock.ts';
import type { Logger } from '../log.ts';

/** A client notices a stall of this length, and a heartbeat may be late by it. Units: ms. */
const WARNING_MS = 500;

export class Stalls {
  readonly #logger: Pick<Logger, 'warn'>;
  readonly #clock: Pick<Clock, 'monotonicMs'>;

  constructor(logger: Pick<Logger, 'warn'>, clock: Pick<Clock, 'monotonicMs'>) {
    this.#logger = logger;
    this.#clock = clock;
  }

  /** Does the work and returns its result. Shape: `what` has a form such as "taking a snapshot". */
  watch<T>(what: string, work: () => T): T {
    const startMs = this.#clock.monotonicMs();
    try {
      return work();
    } finally {
      const ms = this.#clock.monotonicMs() - startMs;
      if (ms >= WARNING_MS) {
        this.#logger.warn(`the main thread was blocked for ${Math.round(ms)} ms, ${what}`);
      }
    }
  }
}
