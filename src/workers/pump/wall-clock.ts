/**
 * Converts between the two clocks of a pump: monotonic time, which restarts with every process, and wall clock time,
 * in which the files store due times.
 *
 * Units: ms, of a monotonic clock and since 1970.
 * Thread: pump.
 */

export class WallClock {
  readonly #unixMs: () => number;
  readonly #monotonicMs: () => number;

  constructor(unixMs: () => number, monotonicMs: () => number) {
    this.#unixMs = unixMs;
    this.#monotonicMs = monotonicMs;
  }

  /** Wall clock time now. */
  unixMs(): number {
    return this.#unixMs();
  }

  /** The wall clock time of a monotonic time, by the current clocks: whole ms, never too early. */
  unixAt(monotonicMs: number): number {
    // If the thread is delayed between the two readings, the result is later, not earlier.
    const delayMs = monotonicMs - this.#monotonicMs();
    return Math.max(1, Math.ceil(this.#unixMs() + delayMs));
  }

  /** The monotonic time of a wall clock time, never too early. */
  monotonicAt(unixMs: number): number {
    const delayMs = unixMs - this.#unixMs();
    return this.#monotonicMs() + delayMs;
  }
}
