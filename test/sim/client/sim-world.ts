/**
 * What all parts of a simulation of clients share: time, chance, the trace, and the first thing that does not hold.
 *
 * Thread: any.
 */

import { ManualClock } from '../../support/manual-clock.ts';
import { type Random, seededRandom } from '../../support/seeded-random.ts';
import { Trace } from '../trace.ts';

const PERCENT = 100;
const RANDOM_STEPS = 2 ** 30;

export class SimWorld {
  readonly clock = new ManualClock();
  readonly trace: Trace;
  /** Decides what happens. */
  readonly random: Random;
  /** The clients' own chance: 0 up to 1. */
  readonly clientRandom: () => number;
  #failure: Error | null = null;
  #nextId = 1;

  constructor(seed: number, print?: (line: string) => void) {
    this.trace = new Trace(print);
    this.random = stirred(seed);
    const random = stirred(seed ^ 0x5bd1e995);
    this.clientRandom = () => random(RANDOM_STEPS) / RANDOM_STEPS;
  }

  /** A number that nobody else has: brokers never use an id twice, nor an id of another broker. */
  nextId(): number {
    return this.#nextId++;
  }

  /** True in so many cases of a hundred. */
  chance(percent: number): boolean {
    return this.random(PERCENT) < percent;
  }

  /** A number from `min` to `max`. */
  between(min: number, max: number): number {
    return min + this.random(max - min + 1);
  }

  oneOf<V>(values: readonly V[]): V {
    return values[this.random(values.length)];
  }

  /** Resolves when so much simulated time has passed. */
  pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.clock.after(delayMs, resolve));
  }

  /** Keeps what does not hold, wherever it is seen: a stream or a promise would hide it. */
  fail(what: string): void {
    this.#failure ??= new Error(what);
  }

  /** What does not hold ends the run. */
  check(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  /** `what` must hold. */
  require(holds: boolean, what: string): void {
    if (!holds) this.fail(what);
  }
}

function stirred(seed: number): Random {
  const random = seededRandom(seed);
  // the first numbers of small seeds are small
  for (let i = 0; i < 20; i++) random(2);
  return random;
}
