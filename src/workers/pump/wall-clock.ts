/**
 * Converts between the two clocks of a pump: monotonic time, which restarts with every process, and wall clock time,
 * in which the files store due times.
 *
 * If the wall clock is set while the process runs, the due times in the files no longer match it. So the pump remembers
 * each difference between the clocks with which it has written due times, until the last of these times is over. A due
 * time from a file counts as the latest moment that it may mean. So a message is never early. It is late, by as much as
 * the clock was set, if its due time may have been written before.
 *
 * Bound: `SETTINGS_MAX` differences; if there are more, the oldest two become one.
 * Units: ms, of a monotonic clock and since 1970.
 * Thread: pump.
 */

/** A difference between the clocks that due times were written with. */
interface Setting {
  /** Wall clock time at monotonic time 0. */
  offsetMs: number;
  /** The last of these due times, wall clock time. */
  lastMs: number;
}

/** The clock is hardly ever set. */
const SETTINGS_MAX = 8;
/** Differences that are no further apart are one: readings of two clocks are never quite simultaneous. */
const SAME_MS = 10;

export class WallClock {
  readonly #unixMs: () => number;
  readonly #monotonicMs: () => number;
  /** In the order of their first use. */
  #settings: Setting[] = [];

  constructor(unixMs: () => number, monotonicMs: () => number) {
    this.#unixMs = unixMs;
    this.#monotonicMs = monotonicMs;
  }

  /** Wall clock time now. */
  unixMs(): number {
    return this.#unixMs();
  }

  /** The wall clock time of a monotonic time, to be written to a file: whole ms, never too early. */
  unixAt(monotonicMs: number): number {
    // If the thread is delayed between the two readings, the result is later, not earlier.
    const delayMs = monotonicMs - this.#monotonicMs();
    const unixMs = Math.max(1, Math.ceil(this.#unixMs() + delayMs));
    this.#remember(unixMs - monotonicMs, unixMs);
    return unixMs;
  }

  /** As `unixAt`, for the time after a delay. */
  unixAfter(delayMs: number): number {
    return this.unixAt(this.#monotonicMs() + delayMs);
  }

  /** The monotonic time of a wall clock time by the current clocks, never too early. */
  monotonicAt(unixMs: number): number {
    const delayMs = unixMs - this.#unixMs();
    return this.#monotonicMs() + delayMs;
  }

  /** The monotonic time at which a message with this due time in a file is due. */
  dueAt(unixMs: number): number {
    let dueMs = this.monotonicAt(unixMs);
    for (const { offsetMs, lastMs } of this.#settings) {
      if (unixMs <= lastMs) dueMs = Math.max(dueMs, unixMs - offsetMs);
    }
    return dueMs;
  }

  /** The due time of a message that was not due when it was read, 0 if it is due by now. Units: Unix time in ms. */
  notYet(dueMs: number): number {
    return dueMs > this.unixMsDue() ? dueMs : 0;
  }

  /** Messages from files whose time is not later than this are due. */
  unixMsDue(): number {
    const nowMs = this.#monotonicMs();
    let unixMs = this.#unixMs();
    if (this.#settings.length === 0) return unixMs;
    this.#settings = this.#settings.filter(({ offsetMs, lastMs }) => lastMs - offsetMs > nowMs);
    for (const { offsetMs } of this.#settings) unixMs = Math.min(unixMs, nowMs + offsetMs);
    return unixMs;
  }

  #remember(offsetMs: number, unixMs: number): void {
    const last = this.#settings.at(-1);
    if (last !== undefined && Math.abs(offsetMs - last.offsetMs) <= SAME_MS) {
      if (offsetMs < last.offsetMs) last.offsetMs = offsetMs;
      if (unixMs > last.lastMs) last.lastMs = unixMs;
      return;
    }
    this.#settings.push({ offsetMs, lastMs: unixMs });
    if (this.#settings.length <= SETTINGS_MAX) return;
    const [first, second, ...rest] = this.#settings;
    this.#settings = [merged(first, second), ...rest];
  }
}

function merged(a: Setting, b: Setting): Setting {
  return {
    offsetMs: Math.min(a.offsetMs, b.offsetMs),
    lastMs: Math.max(a.lastMs, b.lastMs),
  };
}
