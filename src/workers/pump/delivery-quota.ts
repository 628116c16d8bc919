/**
 * How many messages a channel may deliver now, over all its consumers: a limit of messages in flight, and a rate
 * limit as a token bucket. The bucket fills by elapsed time, so the rate is exact however rarely it is checked.
 *
 * Thread: pump. Source: own; nsqd has neither.
 */

import type { ChannelPolicy } from '../../shared/topic-policy.ts';

/** Channels are woken at most this often, so a bucket must hold the tokens of that time. */
const WAKE_UP_MS = 5;
const MS_PER_SECOND = 1000;

export class DeliveryQuota {
  /** How often a message had to wait for the rate limit. */
  throttledCount = 0;

  #maxInFlight = Number.POSITIVE_INFINITY;
  #tokensPerMs = Number.POSITIVE_INFINITY;
  #bucketSize = 0;
  #tokens = 0;
  #filledMs = 0;

  /** Whether the policy has a rate limit or a limit of messages in flight. */
  static isNeededFor({ maxInFlight, maxRate }: ChannelPolicy): boolean {
    return maxInFlight > 0 || maxRate > 0;
  }

  /** Applies a policy. An existing bucket keeps its tokens. Units: `nowMs` monotonic. */
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

  /** Records that `count` messages were sent. */
  take(count: number): void {
    if (this.#hasRate) this.#tokens -= count;
  }

  /** When the rate limit allows the next message; Infinity if it does now. Units: ms, monotonic. */
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
