/**
 * Limits the records per second. Unused permits are kept, at most those of one second.
 *
 * Thread: main. Source: to_nsq `balance`.
 */

import type { Clock } from '../../shared/clock.ts';

const SECOND_MS = 1000;

export class RateLimit {
  readonly #perSecond: number;
  readonly #clock: Clock;
  #balance = 1;
  #seenMs: number;

  /** Units: `perSecond` records; 0: no limit. */
  constructor(perSecond: number, clock: Clock) {
    this.#perSecond = perSecond;
    this.#clock = clock;
    this.#seenMs = clock.monotonicMs();
  }

  /** Takes up to `count` permits, and waits for at least one. Resolves with their number. */
  async take(count: number): Promise<number> {
    if (this.#perSecond === 0) return count;
    this.#refill();
    while (this.#balance < 1) {
      const waitMs = Math.ceil(((1 - this.#balance) * SECOND_MS) / this.#perSecond);
      await new Promise<void>((resolve) => void this.#clock.after(waitMs, resolve));
      this.#refill();
    }
    const taken = Math.min(count, Math.floor(this.#balance));
    this.#balance -= taken;
    return taken;
  }

  #refill(): void {
    const nowMs = this.#clock.monotonicMs();
    const grown = this.#balance + ((nowMs - this.#seenMs) * this.#perSecond) / SECOND_MS;
    this.#balance = Math.min(this.#perSecond, grown);
    this.#seenMs = nowMs;
  }
}
