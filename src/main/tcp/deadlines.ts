/**
 * Deadlines of main's connections, with one timer for all of them.
 *
 * Units: ms of the clock's monotonic time. Thread: main.
 */

import type { Clock, Timer } from '../../shared/clock.ts';
import { TimingWheel } from '../../shared/timing-wheel.ts';

export class Deadlines {
  readonly #clock: Clock;
  readonly #wheel: TimingWheel;
  readonly #callbacks: ((() => void) | null)[] = [];
  readonly #freeEntries: number[] = [];
  #timer: Timer | null = null;
  #timerMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#wheel = new TimingWheel(clock.monotonicMs());
  }

  /** Reserves an entry with this callback. */
  add(callback: () => void): number {
    const entry = this.#freeEntries.pop() ?? this.#callbacks.length;
    this.#callbacks[entry] = callback;
    return entry;
  }

  /** Sets or replaces an entry's deadline. */
  schedule(entry: number, deadlineMs: number): void {
    this.#wheel.schedule(entry, deadlineMs);
    if (deadlineMs < this.#timerMs) this.#startTimer();
  }

  /** Removes an entry's deadline. */
  cancel(entry: number): void {
    if (this.#wheel.isScheduled(entry)) this.#wheel.cancel(entry);
  }

  /** Frees an entry. */
  remove(entry: number): void {
    this.cancel(entry);
    this.#callbacks[entry] = null;
    this.#freeEntries.push(entry);
  }

  #startTimer(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#timerMs = this.#wheel.nextDeadlineMs();
    if (this.#timerMs === Number.POSITIVE_INFINITY) return;
    const delayMs = Math.max(0, this.#timerMs - this.#clock.monotonicMs());
    this.#timer = this.#clock.after(delayMs, () => this.#fire());
    this.#timer.unref();
  }

  #fire(): void {
    const count = this.#wheel.expire(this.#clock.monotonicMs());
    const due = this.#wheel.expired.slice(0, count);
    for (const entry of due) this.#callbacks[entry]?.();
    this.#startTimer();
  }
}
