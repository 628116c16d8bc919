/**
 * Main's own counters and those of its clients, for `NodeMonitor`.
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
import { MemoryMonitor } from './memory-statistics.ts';
import { Traffic } from './traffic.ts';

/**
 * Measures how long publishers wait for their answers. Most publishes are answered in the turn in which they arrive:
 * these are counted together, with one reading of the clock, from the first of them until main has written the turn's
 * answers.
 */
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

/** Ten wake-ups a second have no measurable cost in an idle broker. */
const INTERVAL_MS = 100;

/**
 * The delay of main's event loop: how late a timer is called. A stall longer than the interval is always noticed, a
 * shorter one sometimes.
 */
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

export class NodeMeters {
  readonly traffic = new Traffic();
  readonly acknowledgements: Acknowledgements;
  readonly loopDelay: LoopDelay;
  readonly memory = new MemoryMonitor();
  /** Turns of main that had work. */
  turnCount = 0;

  constructor(clock: Clock) {
    this.acknowledgements = new Acknowledgements(clock);
    this.loopDelay = new LoopDelay(clock);
  }

  start(): void {
    this.loopDelay.start();
    this.memory.start();
  }

  stop(): void {
    this.loopDelay.stop();
    this.memory.stop();
  }

  /** Main has written the output of its turn. */
  endTurn(): void {
    this.turnCount++;
    this.acknowledgements.endTurn();
  }
}
