/**
 * Timers of channels and topics, one for each: for when a rate limit allows more, or a message expires. `AgeWatch` is
 * the timer for messages that expire.
 *
 * Thread: pump.
 */

import { assert } from '../../shared/assert.ts';
import { TimingWheel } from '../../shared/timing-wheel.ts';
import type { MessageQueue } from './message-queue.ts';
import type { WallClock } from './wall-clock.ts';

/** Messages and timers that one turn handles. */
const WORK_PER_TURN = 2048;

/** The owner of a timer. */
export interface TimerOwner {
  /** Returns how many messages it has handled. Units: ms, monotonic. */
  onTimer(nowMs: number): number;
}

export class QueueTimers {
  readonly #times: TimingWheel;
  readonly #owners: (TimerOwner | null)[] = [];
  readonly #entries = new Map<TimerOwner, number>();
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
  set(owner: TimerOwner, atMs: number): void {
    if (atMs === Number.POSITIVE_INFINITY) {
      this.delete(owner);
      return;
    }
    let entry = this.#entries.get(owner);
    if (entry === undefined) {
      entry = this.#free.pop() ?? this.#owners.length;
      this.#entries.set(owner, entry);
      this.#owners[entry] = owner;
    }
    this.#times.schedule(entry, atMs);
  }

  delete(owner: TimerOwner): void {
    const entry = this.#entries.get(owner);
    if (entry === undefined) return;
    this.#times.cancel(entry);
    this.#entries.delete(owner);
    this.#owners[entry] = null;
    this.#free.push(entry);
  }

  /** Calls the owners of due timers, as many as one turn may. Returns how much was done. */
  fire(nowMs: number): number {
    let work = 0;
    while (work < WORK_PER_TURN && this.#times.expire(nowMs, 1) > 0) {
      const owner = this.#owners[this.#times.expired[0]];
      assert(owner !== null, 'a timer has an owner');
      this.delete(owner);
      work += Math.max(1, owner.onTimer(nowMs));
    }
    return work;
  }
}

/** Removes the messages of one queue when they expire, whether or not a consumer waits for them. */
export class AgeWatch implements TimerOwner {
  readonly #queue: MessageQueue;
  readonly #wallClock: WallClock;
  readonly #timers: QueueTimers;
  /** The time of the next check; Infinity for none. Units: ms, monotonic. */
  #nextMs = Number.POSITIVE_INFINITY;

  constructor(queue: MessageQueue, wallClock: WallClock, timers: QueueTimers) {
    this.#queue = queue;
    this.#wallClock = wallClock;
    this.#timers = timers;
  }

  onTimer(): number {
    const before = this.#workCount;
    this.#nextMs = Number.POSITIVE_INFINITY;
    this.look();
    return this.#workCount - before;
  }

  /** Removes expired messages, as many as one step may, and schedules the check for the next one. */
  look(): void {
    if (this.#queue.ages !== null) this.#lookAt(this.#queue.expire());
  }

  /** Schedules a check for a message that is about to wait in the queue. */
  expect(position: number): void {
    if (this.#queue.ages !== null) this.#lookAt(this.#queue.ages.expiryMs(position));
  }

  /**
   * Registers a deferred message. Returns the time of its next check: when it is due, or when it expires if that is
   * earlier.
   * Units: ms, monotonic.
   */
  defer(position: number, dueMs: number): number {
    const { ages } = this.#queue;
    if (ages === null) return dueMs;
    const unixMs = this.#wallClock.unixAt(dueMs);
    const lookMs = ages.defer(position, unixMs);
    return lookMs === unixMs ? dueMs : Math.min(dueMs, this.#wallClock.monotonicAt(lookMs));
  }

  end(): void {
    this.#nextMs = Number.POSITIVE_INFINITY;
    this.#timers.delete(this);
  }

  get #workCount(): number {
    return this.#queue.expiredCount + (this.#queue.ages?.rescheduledCount ?? 0);
  }

  /** Units: Unix time in ms. */
  #lookAt(unixMs: number): void {
    if (unixMs === Number.POSITIVE_INFINITY) return;
    const atMs = this.#wallClock.monotonicAt(unixMs);
    if (atMs >= this.#nextMs) return;
    this.#nextMs = atMs;
    this.#timers.set(this, atMs);
  }
}
