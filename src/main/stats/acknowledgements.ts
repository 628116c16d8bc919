/**
 * Measures how long publishers wait for their answers. Most publishes are answered in the turn in which they arrive:
 * these are counted together, with one reading of the clock, from the first of them until main has written the turn's
 * answers.
 *
 * Thread: main.
 */

import type { Clock } from '../../shared/clock.ts';
import {
  type Durations,
  durationsOf,
  HISTOGRAM_NUMBERS,
  Histogram,
} from '../../shared/thread-meter.ts';

export class Acknowledgements {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #numbers = new Float64Array(HISTOGRAM_NUMBERS);
  readonly #histogram = new Histogram(this.#numbers, 0);
  /** Publishes that are answered at the end of this turn, and the time of the first. */
  #count = 0;
  #startMs = 0;

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** A publish is answered at the end of this turn. */
  onAnswered(): void {
    if (this.#count === 0) this.#startMs = this.#clock.monotonicMs();
    this.#count++;
  }

  /** The answers of this turn are written. */
  endTurn(): void {
    if (this.#count === 0) return;
    this.#histogram.add(this.#clock.monotonicMs() - this.#startMs, this.#count);
    this.#count = 0;
  }

  /** A publish waits for its answer. Returns the function to call at the answer. */
  begin(): () => void {
    const startMs = this.#clock.monotonicMs();
    return () => this.#histogram.add(this.#clock.monotonicMs() - startMs);
  }

  read(): Durations {
    return durationsOf([this.#numbers], 0);
  }
}
