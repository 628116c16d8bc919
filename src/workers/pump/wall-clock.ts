/**
 * Between the two times of a pump: its own, which only goes forward and begins anew with every start, and the wall
 * clock's, in which the files say when a message is due.
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

  /** Wall clock time at a monotonic one, as things stand: whole ms, and none too early. */
  unixAt(monotonicMs: number): number {
    // If the thread is held up between the two, the later reading makes the time a later one.
    const delayMs = monotonicMs - this.#monotonicMs();
    return Math.max(1, Math.ceil(this.#unixMs() + delayMs));
  }

  /** Monotonic time at a wall clock one; none too early. */
  monotonicAt(unixMs: number): number {
    const delayMs = unixMs - this.#unixMs();
    return this.#monotonicMs() + delayMs;
  }
}
