/**
 * Timers of channels and topics, one for each: for when a rate limit allows more, or a message expires.
 *
 * Thread: pump.
 */

import { TimingWheel } from '../../shared/timing-wheel.ts';

/** The owner of a timer. */
export interface Sleeper {
  /** Units: ms, monotonic. */
  onAlarm(nowMs: number): void;
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

  /** Calls the owners of due timers. Returns how many. */
  fire(nowMs: number): number {
    const count = this.#times.expire(nowMs);
    const { expired } = this.#times;
    for (let i = 0; i < count; i++) {
      const sleeper = this.#sleepers[expired[i]];
      // An owner called earlier may have cleared this one.
      if (sleeper === null) continue;
      this.delete(sleeper);
      sleeper.onAlarm(nowMs);
    }
    return count;
  }
}
