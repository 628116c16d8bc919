/**
 * Limits the time of one part of a pump's turn, such as taking publishes or delivering: topics and channels with much
 * work continue in a later turn, so that FINs and messages of the others do not wait for all of it.
 *
 * Bound: PART_MS, and one piece of work, which is bounded by itself.
 * Units: ms, monotonic. Thread: pump.
 */

const PART_MS = 1;

export class TimeSlice {
  readonly #monotonicMs: () => number;
  #endMs = 0;

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  /** A part of a turn begins. */
  begin(): void {
    this.#endMs = this.#monotonicMs() + PART_MS;
  }

  /** Whether the remaining work is for a later turn. */
  get isOver(): boolean {
    return this.#monotonicMs() >= this.#endMs;
  }
}
