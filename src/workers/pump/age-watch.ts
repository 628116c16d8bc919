/**
 * Has messages of one queue given up when they expire, whether anybody waits for them or not.
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
  /** When it looks next; Infinity if it does not. Units: ms, monotonic. */
  #nextMs = Number.POSITIVE_INFINITY;

  constructor(queue: MessageQueue, wallClock: WallClock, alarms: Alarms) {
    this.#queue = queue;
    this.#wallClock = wallClock;
    this.#alarms = alarms;
  }

  onAlarm(): void {
    this.#nextMs = Number.POSITIVE_INFINITY;
    this.look();
  }

  /** Gives up what has expired, and looks again when the next message does. */
  look(): void {
    if (this.#queue.ages !== null) this.#lookAt(this.#queue.expire());
  }

  /** A message is about to wait in the queue: what expires with it is given up then. */
  expect(position: number): void {
    if (this.#queue.ages !== null) this.#lookAt(this.#queue.ages.expiryMs(position));
  }

  /**
   * A message is deferred. Returns when it is to be looked at: when it is due, or when it expires if that is before.
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

  /** Units: Unix time in ms. */
  #lookAt(unixMs: number): void {
    if (unixMs === Number.POSITIVE_INFINITY) return;
    const atMs = this.#wallClock.monotonicAt(unixMs);
    if (atMs >= this.#nextMs) return;
    this.#nextMs = atMs;
    this.#alarms.set(this, atMs);
  }
}
