/**
 * Times at which channels and topics want to be called, one for each: when a rate allows more, or a message expires.
 *
 * Thread: pump.
 */

import { TimingWheel } from '../../shared/timing-wheel.ts';

/** Who is called. */
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

  /** Infinity if there is none. */
  get nextMs(): number {
    return this.#times.nextDeadlineMs();
  }

  /** Calls at that time, in place of the one that it may have asked for; Infinity for never. */
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

  /** Calls those whose time has come. Returns how many. */
  fire(nowMs: number): number {
    const count = this.#times.expire(nowMs);
    const { expired } = this.#times;
    for (let i = 0; i < count; i++) {
      const sleeper = this.#sleepers[expired[i]];
      // One that was called before it may have ended this one.
      if (sleeper === null) continue;
      this.delete(sleeper);
      sleeper.onAlarm(nowMs);
    }
    return count;
  }
}
