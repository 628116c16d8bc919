/**
 * A worker thread without the thread: steps its loop as `runLoop` does, one step at a time, and sleeps as it
 * does until its doorbell is rung or its deadline comes. There is no upper bound to its sleep, so a bell that
 * nobody rings is noticed.
 *
 * Thread: any.
 */

import type { Doorbell } from '../../src/shared/ring/doorbell.ts';
import type { Loop } from '../../src/workers/run-loop.ts';

type State = 'awake' | 'drowsy' | 'asleep';

export class LoopThread {
  readonly name: string;
  readonly #loop: Loop;
  readonly #bell: Doorbell;
  #state: State = 'awake';
  #rings = 0;

  constructor(name: string, loop: Loop, bell: Doorbell) {
    this.name = name;
    this.#loop = loop;
    this.#bell = bell;
  }

  get isDone(): boolean {
    return this.#loop.isDone;
  }

  /** The time of its next wake-up. */
  get deadlineMs(): number {
    return this.#loop.isDone ? Number.POSITIVE_INFINITY : this.#loop.nextDeadlineMs;
  }

  isRunnable(nowMs: number): boolean {
    if (this.#loop.isDone) return false;
    if (this.#state !== 'asleep') return true;
    return this.#bell.rings() !== this.#rings || nowMs >= this.#loop.nextDeadlineMs;
  }

  /** One step of the loop, and what comes before the next one. */
  turn(nowMs: number): void {
    if (this.#state === 'asleep') {
      this.#bell.wakeUp();
      this.#state = 'awake';
    }
    if (this.#state === 'awake') this.#rings = this.#bell.rings();
    const hasWorked = this.#loop.step(nowMs) > 0;
    if (this.#state === 'awake') {
      if (hasWorked) return;
      this.#bell.fallAsleep();
      this.#state = 'drowsy';
      return;
    }
    if (!hasWorked) {
      this.#state = 'asleep';
      return;
    }
    this.#bell.wakeUp();
    this.#state = 'awake';
  }
}
