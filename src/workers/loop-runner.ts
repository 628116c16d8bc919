/**
 * Steps a loop on a thread that also does other work: it yields after each turn, and waits for the loop's doorbell
 * without blocking. It keeps the process alive until the loop ends.
 *
 * Thread: main and stream. The counterpart of `runLoop`, which blocks.
 */

import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../shared/clock.ts';
import type { Doorbell } from '../shared/ring/doorbell.ts';
import type { Loop, LoopMeter } from './run-loop.ts';

/** Upper bound of one wait, so that a lost wake-up delays a loop and does not stop it. */
const PARK_MS_MAX = 10_000;

export class LoopRunner {
  readonly #loop: Loop;
  readonly #bell: Doorbell;
  readonly #clock: Clock;
  readonly #meter: LoopMeter;
  #isStopped = false;
  /** Whether a turn must follow that no bell announces, and what ends a wait. */
  #isWoken = false;
  #resume: (() => void) | null = null;
  /** A wait on the bell cannot be cancelled: it lasts until the next ring. */
  #isListening = false;

  constructor(loop: Loop, bell: Doorbell, clock: Clock, meter: LoopMeter) {
    this.#loop = loop;
    this.#bell = bell;
    this.#clock = clock;
    this.#meter = meter;
  }

  /** Runs the loop until it ends, or until `stop`. Errors: rejects with the error of a turn. */
  async run(): Promise<void> {
    // The owner of the loop is still being constructed.
    await setImmediate();
    while (!this.#isOver) {
      const rings = this.#bell.rings();
      this.#isWoken = false;
      const turnMs = this.#clock.monotonicMs();
      if (this.#loop.step(turnMs) > 0) {
        this.#meter.onTurn(turnMs);
        await this.#yield();
        continue;
      }
      this.#bell.fallAsleep();
      // Another turn: something may have arrived between the turn and the flag.
      const nowMs = this.#clock.monotonicMs();
      if (this.#loop.step(nowMs) > 0) this.#meter.onTurn(nowMs);
      else if (!this.#isOver) await this.#wait(rings, nowMs);
      this.#bell.wakeUp();
    }
  }

  /** Makes sure that another turn follows. Cheaper than the bell, but only for callers on the thread of the loop. */
  wake(): void {
    this.#isWoken = true;
    this.#resume?.();
  }

  /** Ends `run` before the loop has ended. */
  stop(): void {
    this.#isStopped = true;
    this.#bell.ring();
  }

  get #isOver(): boolean {
    return this.#isStopped || this.#loop.isDone;
  }

  /** Lets the thread do its other work, which is not the loop's. */
  async #yield(): Promise<void> {
    const startMs = this.#clock.monotonicMs();
    await setImmediate();
    this.#meter.onParked(this.#clock.monotonicMs() - startMs);
  }

  async #wait(rings: number, nowMs: number): Promise<void> {
    this.#meter.show(nowMs);
    if (!this.#isWoken) {
      const delayMs = Math.max(0, this.#loop.nextDeadlineMs - nowMs);
      const timer = this.#clock.after(Math.min(PARK_MS_MAX, delayMs), () => this.wake());
      await new Promise<void>((resolve) => {
        this.#resume = resolve;
        this.#listen(rings);
      });
      this.#resume = null;
      timer.cancel();
    }
    this.#meter.onParked(this.#clock.monotonicMs() - nowMs);
  }

  #listen(rings: number): void {
    if (this.#isListening) return;
    this.#isListening = true;
    void this.#bell.waitAsync(rings).then(() => {
      this.#isListening = false;
      this.wake();
    });
  }
}
