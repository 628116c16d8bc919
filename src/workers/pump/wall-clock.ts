/**
 * Converts between the two times of a pump: monotonic time, which starts again with every process, and wall clock time,
 * in which the files say when a message is due.
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

  /** Wall clock time of a monotonic one by the current clocks: whole ms, never too early. */
  unixAt(monotonicMs: number): number {
    // If the thread is held up between the two readings, the result is later, not earlier.
    const delayMs = monotonicMs - this.#monotonicMs();
    return Math.max(1, Math.ceil(this.#unixMs() + delayMs));
  }

  /** Monotonic time of a wall clock one, never too early. */
  monotonicAt(unixMs: number): number {
    const delayMs = unixMs - this.#unixMs();
    return this.#monotonicMs() + delayMs;
  }
}
