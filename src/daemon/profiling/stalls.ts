/**
 * Watches work that main cannot do in pieces, and warns in the log if it takes long: clients see their
 * broker stall, and the log is where its operator looks for the reason.
 *
 * Thread: main.
 */

import type { Clock } from '../../shared/clock.ts';
import type { Logger } from '../log.ts';

/** A client notices this much, and a heartbeat may be late by it. Units: ms. */
const WARNING_MS = 500;

export class Stalls {
  readonly #logger: Pick<Logger, 'warn'>;
  readonly #clock: Pick<Clock, 'monotonicMs'>;

  constructor(logger: Pick<Logger, 'warn'>, clock: Pick<Clock, 'monotonicMs'>) {
    this.#logger = logger;
    this.#clock = clock;
  }

  /** Does the work, and returns what it returns. Shape: `what` is in the form of "taking a snapshot". */
  watch<T>(what: string, work: () => T): T {
    const startMs = this.#clock.monotonicMs();
    try {
      return work();
    } finally {
      const ms = this.#clock.monotonicMs() - startMs;
      if (ms >= WARNING_MS) {
        this.#logger.warn(`the broker stood still for ${Math.round(ms)} ms, ${what}`);
      }
    }
  }
}
