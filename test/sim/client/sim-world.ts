/**
 * What all parts of a simulation of clients share: time, random numbers, the trace, and the first violation.
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
  /** Decides the events. */
  readonly random: Random;
  /** The clients' own random numbers: from 0 to below 1. */
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

  /** True in this percentage of cases. */
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

  /** Resolves when this much simulated time has passed. */
  pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.clock.after(delayMs, resolve));
  }

  /** Records a violation, wherever it occurs: a stream or a promise would hide it. */
  fail(what: string): void {
    this.#failure ??= new Error(what);
  }

  /** A violation ends the run. */
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
