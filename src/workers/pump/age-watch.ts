/**
 * Removes the messages of one queue when they expire, whether or not a consumer waits for them.
 *
 * Thread: pump.
 */

import type { Alarms, Sleeper } from './alarms.ts';
import type { MessageQueue } from './message-queue.ts';
import type { WallClock } from './wall-clock.ts';

export class AgeWatch implements Sleeper {
  readonly #queue: MessageQueue;
  readonly #wallClock: WallClock;
  readonly #alarms: Alarms;
  /** The time of the next check; Infinity for none. Units: ms, monotonic. */
  #nextMs = Number.POSITIVE_INFINITY;

  constructor(queue: MessageQueue, wallClock: WallClock, alarms: Alarms) {
    this.#queue = queue;
    this.#wallClock = wallClock;
    this.#alarms = alarms;
  }

  onAlarm(): number {
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
    this.#alarms.delete(this);
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
    this.#alarms.set(this, atMs);
  }
}
