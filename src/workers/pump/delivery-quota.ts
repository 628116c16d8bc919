/**
 * How many messages a channel may deliver now, over all its consumers: a bound of what is in flight, and a rate as a
 * token bucket. The bucket counts from the time that has passed, so the rate is exact however seldom it is asked.
 *
 * Thread: pump. Source: own; nsqd has neither.
 */

import type { ChannelPolicy } from '../../shared/topic-policy.ts';

/** Channels are woken no more often than that, so a bucket must hold what becomes due meanwhile. */
const WAKE_UP_MS = 5;
const MS_PER_SECOND = 1000;

export class DeliveryQuota {
  /** Times that a message had to wait for the rate. */
  throttledCount = 0;

  #maxInFlight = Number.POSITIVE_INFINITY;
  #tokensPerMs = Number.POSITIVE_INFINITY;
  #bucketSize = 0;
  #tokens = 0;
  #filledMs = 0;

  /** Whether the policy has a rate or a bound of messages in flight. */
  static isNeededFor({ maxInFlight, maxRate }: ChannelPolicy): boolean {
    return maxInFlight > 0 || maxRate > 0;
  }

  /** Keeps what the policy says from now on. A bucket that was there keeps its tokens. Units: `nowMs` monotonic. */
  setPolicy({ maxInFlight, maxRate, burst }: ChannelPolicy, nowMs: number): void {
    const hadRate = this.#hasRate;
    this.#fill(nowMs);
    this.#maxInFlight = maxInFlight || Number.POSITIVE_INFINITY;
    this.#tokensPerMs = maxRate > 0 ? maxRate / MS_PER_SECOND : Number.POSITIVE_INFINITY;
    this.#bucketSize = Math.max(burst, Math.ceil(this.#tokensPerMs * WAKE_UP_MS));
    this.#tokens = hadRate ? Math.min(this.#tokens, this.#bucketSize) : this.#bucketSize;
    this.#filledMs = nowMs;
  }

  /** How many more messages may be sent now. */
  allowance(inFlightCount: number, nowMs: number): number {
    const room = Math.max(0, this.#maxInFlight - inFlightCount);
    if (!this.#hasRate) return room;
    this.#fill(nowMs);
    return Math.min(room, Math.floor(this.#tokens));
  }

  /** So many messages were sent. */
  take(count: number): void {
    if (this.#hasRate) this.#tokens -= count;
  }

  /** When the rate allows the next message; Infinity if it does now. Units: ms, monotonic. */
  get nextMs(): number {
    if (!this.#hasRate || this.#tokens >= 1) return Number.POSITIVE_INFINITY;
    return this.#filledMs + (1 - this.#tokens) / this.#tokensPerMs;
  }

  get #hasRate(): boolean {
    return this.#tokensPerMs < Number.POSITIVE_INFINITY;
  }

  #fill(nowMs: number): void {
    if (this.#hasRate) {
      const gained = (nowMs - this.#filledMs) * this.#tokensPerMs;
      this.#tokens = Math.min(this.#bucketSize, this.#tokens + gained);
    }
    this.#filledMs = nowMs;
  }
}
