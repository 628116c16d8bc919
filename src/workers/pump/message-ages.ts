/**
 * The ages of the messages that wait in one queue, if a policy limits them.
 *
 * A queue is first in, first out, so usually its first message is the oldest, and checking that one is enough. A
 * message that is put back or becomes due may be older than those before it: it has an entry in a timing wheel, and
 * when it expires it is hidden in place until it reaches the front.
 *
 * The age counts from the publish, or from the due time of a deferred message if it had not expired by then.
 *
 * Bound: about 100 bytes for each message that was put back or deferred, none for others.
 * Units: Unix time in ms, with fractions.
 * Thread: pump. Source: own; nsqd's messages do not expire.
 */

import { TimingWheel } from '../../shared/timing-wheel.ts';
import type { MessageStore } from './store/message-store.ts';
import { NO_RECORD } from './store/slab.ts';
import type { WallClock } from './wall-clock.ts';

type UnixClock = Pick<WallClock, 'unixMs'>;

const MS_PER_SECOND = 1000;
/** Messages that one call checks beyond those that were checked before. */
const CHECKS_PER_CALL = 256;
/** Entries that one step reschedules after the age was changed. */
const RESCHEDULED_AT_ONCE = 1024;

export class MessageAges {
  /** Expired messages that are not at the front; their references stay until they reach it. */
  readonly hidden = new Set<number>();
  /** How many entries `reschedule` has looked at. */
  rescheduledCount = 0;

  readonly #store: MessageStore;
  readonly #wallClock: UnixClock;
  /** The start of the age of messages that were deferred. */
  readonly #starts = new Map<number, number>();
  /** The same for messages from the files, by the numbers of their records. */
  readonly #recordStarts = new Map<number, number>();
  /** Messages behind younger ones: their entries in the wheel, and the reverse. */
  readonly #entries = new Map<number, number>();
  readonly #positions: number[] = [];
  readonly #attempts: number[] = [];
  readonly #free: number[] = [];
  /** Created on demand: a wheel takes some kilobytes, and most queues never need it. */
  #deadlines: TimingWheel | null = null;
  #ttlMs: number;
  /** Start of the youngest message that was put: an older message is behind a younger one. */
  #youngestMs = 0;
  /** The latest time for which the wheel was checked. */
  #lookedMs: number;
  /** None of the positions from `#clearFrom` to before `#clearTo` is hidden. */
  #clearFrom = 0;
  #clearTo = 0;
  /** The first entry whose deadline may be that of an earlier age. */
  #staleFrom = Number.POSITIVE_INFINITY;

  constructor(store: MessageStore, wallClock: UnixClock, ttlMs: number) {
    this.#store = store;
    this.#wallClock = wallClock;
    this.#ttlMs = ttlMs;
    this.#lookedMs = wallClock.unixMs();
  }

  /** Sets the age at which messages expire; Infinity for never. `reschedule` applies it, in steps. */
  setTtl(ttlMs: number): void {
    if (ttlMs === this.#ttlMs) return;
    this.#ttlMs = ttlMs;
    if (this.#entries.size > 0) this.#staleFrom = 0;
  }

  /** Gives some of the messages their deadlines of a changed age. */
  reschedule(): void {
    const from = this.#staleFrom;
    const end = Math.min(from + RESCHEDULED_AT_ONCE, this.#positions.length);
    for (let entry = from; entry < end; entry++) {
      const position = this.#positions[entry];
      if (this.#entries.get(position) === entry) this.#setDeadline(position, entry);
    }
    if (from < end) this.rescheduledCount += end - from;
    this.#staleFrom = end < this.#positions.length ? end : Number.POSITIVE_INFINITY;
  }

  /** When a message expires. */
  expiryMs(position: number): number {
    return this.#startMs(position) + this.#ttlMs;
  }

  /** Whether a message has expired. */
  isExpired(position: number): boolean {
    return this.expiryMs(position) <= this.#wallClock.unixMs();
  }

  /** Registers a deferred message. Returns the time of its next check: `dueMs`, or its expiry if that is earlier. */
  defer(position: number, dueMs: number): number {
    const publishedMs = this.#store.timestampSeconds(position) * MS_PER_SECOND;
    const latestMs = publishedMs + this.#ttlMs;
    if (dueMs > latestMs) return latestMs;
    const number = this.#store.recordNumber(position);
    if (number === NO_RECORD) this.#starts.set(position, dueMs);
    else this.#recordStarts.set(number, dueMs);
    return dueMs;
  }

  /** A message has moved to another position. */
  move(from: number, to: number): void {
    const startMs = this.#starts.get(from);
    if (startMs === undefined || from === to) return;
    this.#starts.delete(from);
    this.#starts.set(to, startMs);
  }

  /** A run with this many attempts was put at the end of the queue in memory. */
  onPut(position: number, count: number, attempts: number): void {
    if (this.#startMs(position) < this.#youngestMs) {
      for (let next = position; next < position + count; next++) this.#schedule(next, attempts);
      return;
    }
    this.#youngestMs = this.#startMs(position + count - 1);
  }

  /** A run has left the queue. */
  onTaken(position: number, count: number): void {
    if (this.#entries.size === 0) return;
    for (let next = position; next < position + count; next++) this.#unschedule(next);
  }

  /** A run's messages leave memory, so that their positions may be reused. */
  leaveMemory(position: number, count: number): void {
    if (this.#starts.size === 0) return;
    for (let next = position; next < position + count; next++) this.#starts.delete(next);
  }

  /** A run's messages are dropped or finished. They are still in memory. */
  forget(position: number, count: number): void {
    this.leaveMemory(position, count);
    if (this.#recordStarts.size === 0) return;
    for (let next = position; next < position + count; next++) {
      this.#recordStarts.delete(this.#store.recordNumber(next));
    }
  }

  clear(): void {
    for (const entry of this.#entries.values()) this.#deadlines?.cancel(entry);
    this.#entries.clear();
    this.#positions.length = 0;
    this.#free.length = 0;
    this.#starts.clear();
    this.#recordStarts.clear();
    this.hidden.clear();
    this.#youngestMs = 0;
  }

  /**
   * How many of a run's first messages precede a hidden one, or fewer if many must be checked. What was checked is
   * remembered, so that a long run is not checked again for each message that leaves it.
   */
  countBeforeHidden(position: number, count: number): number {
    if (position < this.#clearFrom || position > this.#clearTo) {
      this.#clearFrom = position;
      this.#clearTo = position;
    }
    const end = Math.min(position + count, this.#clearTo + CHECKS_PER_CALL);
    while (this.#clearTo < end && !this.hidden.has(this.#clearTo)) this.#clearTo++;
    return Math.min(count, this.#clearTo - position);
  }

  /** How many of a run's first messages have expired. */
  leadingExpired(position: number, count: number): number {
    return this.#leading(position, count, true);
  }

  /** How many of a run's first messages have not expired. */
  leadingFresh(position: number, count: number): number {
    return this.#leading(position, count, false);
  }

  /** The earliest expiry among messages behind younger ones, or now to `reschedule` more; Infinity if there is none. */
  get nextMs(): number {
    if (this.#staleFrom < Number.POSITIVE_INFINITY) return this.#wallClock.unixMs();
    return this.#deadlines?.nextDeadlineMs() ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Hides expired messages behind younger ones, up to `limit` entries. Calls `visit` for each, with its attempts.
   */
  hideExpired(limit: number, visit: (position: number, attempts: number) => void): void {
    if (this.#deadlines === null || this.#entries.size === 0) return;
    // The wall clock may have been set back.
    this.#lookedMs = Math.max(this.#lookedMs, this.#wallClock.unixMs());
    const count = this.#deadlines.expire(this.#lookedMs, limit);
    const { expired } = this.#deadlines;
    for (let i = 0; i < count; i++) {
      const position = this.#positions[expired[i]];
      const attempts = this.#attempts[expired[i]];
      if (this.#isStale(expired[i], position)) continue;
      this.#unschedule(position);
      this.hidden.add(position);
      if (position >= this.#clearFrom) this.#clearTo = Math.min(this.#clearTo, position);
      visit(position, attempts);
    }
  }

  #startMs(position: number): number {
    if (this.#starts.size > 0) {
      const startMs = this.#starts.get(position);
      if (startMs !== undefined) return startMs;
    }
    if (this.#recordStarts.size > 0) {
      const startMs = this.#recordStarts.get(this.#store.recordNumber(position));
      if (startMs !== undefined) return startMs;
    }
    return this.#store.timestampSeconds(position) * MS_PER_SECOND;
  }

  #leading(position: number, count: number, areExpired: boolean): number {
    const nowMs = this.#wallClock.unixMs();
    let leading = 0;
    while (leading < count && this.expiryMs(position + leading) <= nowMs === areExpired) leading++;
    return leading;
  }

  /** Whether an entry's deadline was that of a shorter age; then it gets its own. */
  #isStale(entry: number, position: number): boolean {
    if (entry < this.#staleFrom || this.expiryMs(position) <= this.#lookedMs) return false;
    this.#setDeadline(position, entry);
    return true;
  }

  #schedule(position: number, attempts: number): void {
    const entry = this.#free.pop() ?? this.#positions.length;
    this.#positions[entry] = position;
    this.#attempts[entry] = attempts;
    this.#entries.set(position, entry);
    this.#setDeadline(position, entry);
  }

  #setDeadline(position: number, entry: number): void {
    const expiryMs = this.expiryMs(position);
    this.#deadlines ??= new TimingWheel(this.#lookedMs);
    if (expiryMs < Number.POSITIVE_INFINITY) this.#deadlines.schedule(entry, expiryMs);
    else this.#deadlines.cancel(entry);
  }

  #unschedule(position: number): void {
    const entry = this.#entries.get(position);
    if (entry === undefined) return;
    this.#entries.delete(position);
    this.#deadlines?.cancel(entry);
    this.#free.push(entry);
  }
}
