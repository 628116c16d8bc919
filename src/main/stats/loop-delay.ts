/**
 * The delay of main's event loop: how late a timer is called. A stall longer than the interval is always noticed, a
 * shorter one sometimes.
 *
 * Thread: main.
 */

import type { Clock, Timer } from '../../shared/clock.ts';
import {
  type Durations,
  durationsOf,
  HISTOGRAM_NUMBERS,
  Histogram,
} from '../../shared/thread-meter.ts';

/** Ten wake-ups a second have no measurable cost in an idle broker. */
const INTERVAL_MS = 100;

export class LoopDelay {
  readonly #clock: Clock;
  readonly #numbers = new Float64Array(HISTOGRAM_NUMBERS);
  readonly #histogram = new Histogram(this.#numbers, 0);
  #timer: Timer | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  start(): void {
    const dueMs = this.#clock.monotonicMs() + INTERVAL_MS;
    this.#timer = this.#clock.after(INTERVAL_MS, () => {
      this.#histogram.add(this.#clock.monotonicMs() - dueMs);
      this.start();
    });
    this.#timer.unref();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  read(): Durations {
    return durationsOf([this.#numbers], 0);
  }
}
