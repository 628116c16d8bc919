/**
 * A log for events that may occur thousands of times a second: it writes at most one line per second.
 *
 * Thread: main.
 */

import type { Clock } from '../shared/clock.ts';

const PERIOD_MS = 1000;

export class RepeatedLog {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #write: (text: string) => void;
  #nextMs = Number.NEGATIVE_INFINITY;
  /** How many times the event has occurred since the last line. */
  #unwrittenCount = 0;

  constructor(clock: Pick<Clock, 'monotonicMs'>, write: (text: string) => void) {
    this.#clock = clock;
    this.#write = write;
  }

  /** Reports the event. The next line tells how many were suppressed. */
  note(text: string): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < this.#nextMs) {
      this.#unwrittenCount++;
      return;
    }
    const others = this.#unwrittenCount === 0 ? '' : ` (and ${this.#unwrittenCount} before)`;
    this.#nextMs = nowMs + PERIOD_MS;
    this.#unwrittenCount = 0;
    this.#write(text + others);
  }
}
