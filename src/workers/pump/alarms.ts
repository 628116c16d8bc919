/**
 * Timers of channels and topics, one for each: for when a rate limit allows more, or a message expires.
 *
 * Thread: pump.
 */

import { assert } from '../../shared/assert.ts';
import { TimingWheel } from '../../shared/timing-wheel.ts';

/** Messages and timers that one turn handles. */
const WORK_PER_TURN = 2048;

/** The owner of a timer. */
export interface Sleeper {
  /** Returns how many messages it has handled. Units: ms, monotonic. */
  onAlarm(nowMs: number): number;
}

export class Alarms {
  readonly #times: TimingWheel;
  readonly #sleepers: (Sleeper | null)[] = [];
  readonly #entries = new Map<Sleeper, number>();
  readonly #free: number[] = [];

  /** Units: `nowMs` in ms, monotonic, as all times here. */
  constructor(nowMs: number) {
    this.#times = new TimingWheel(nowMs);
  }

  /** The earliest time; Infinity if there is none. */
  get nextMs(): number {
    return this.#times.nextDeadlineMs();
  }

  /** Sets or replaces the time of a timer; Infinity clears it. */
  set(sleeper: Sleeper, atMs: number): void {
    if (atMs === Number.POSITIVE_INFINITY) {
      this.delete(sleeper);
      return;
    }
    let entry = this.#entries.get(sleeper);
    if (entry === undefined) {
      entry = this.#free.pop() ?? this.#sleepers.length;
      this.#entries.set(sleeper, entry);
      this.#sleepers[entry] = sleeper;
    }
    this.#times.schedule(entry, atMs);
  }

  delete(sleeper: Sleeper): void {
    const entry = this.#entries.get(sleeper);
    if (entry === undefined) return;
    this.#times.cancel(entry);
    this.#entries.delete(sleeper);
    this.#sleepers[entry] = null;
    this.#free.push(entry);
  }

  /** Calls the owners of due timers, as many as one turn may. Returns how much was done. */
  fire(nowMs: number): number {
    let work = 0;
    while (work < WORK_PER_TURN && this.#times.expire(nowMs, 1) > 0) {
      const sleeper = this.#sleepers[this.#times.expired[0]];
      assert(sleeper !== null, 'a timer has an owner');
      this.delete(sleeper);
      work += Math.max(1, sleeper.onAlarm(nowMs));
    }
    return work;
  }
}
