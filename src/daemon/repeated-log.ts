/**
 * A log for what may happen thousands of times in a second: it writes at most one line in that time.
 *
 * Thread: main.
 */

import type { Clock } from '../shared/clock.ts';

const PERIOD_MS = 1000;

export class RepeatedLog {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #write: (text: string) => void;
  #nextMs = Number.NEGATIVE_INFINITY;
  /** How often it has happened since the last line. */
  #unwrittenCount = 0;

  constructor(clock: Pick<Clock, 'monotonicMs'>, write: (text: string) => void) {
    this.#clock = clock;
    this.#write = write;
  }

  /** It has happened. The line that comes after a pause says how often it was not written. */
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
