/**
 * The delivery rules of a channel's policy: which messages may be sent, how many now, and how long a message waits
 * after a timeout.
 *
 * Thread: pump.
 */

import type { Backoff, ChannelPolicy } from '../../shared/topic-policy.ts';
import { DeliveryQuota } from './delivery-quota.ts';
import type { MessageQueue } from './message-queue.ts';

/** Most doublings of a delay. */
const DOUBLINGS_MAX = 32;

export class DeliveryRules {
  /** Whether consumers wait for the quota. */
  isThrottled = false;
  /** Whether the last `look` has left messages at the front that must not be delivered. */
  isBehind = false;

  readonly #queue: MessageQueue;
  #policy: ChannelPolicy;
  /** Null if the policy sets none. */
  #quota: DeliveryQuota | null = null;

  constructor(queue: MessageQueue, policy: ChannelPolicy, nowMs: number) {
    this.#queue = queue;
    this.#policy = policy;
    this.setPolicy(policy, nowMs);
  }

  /** Units: `nowMs` in ms, monotonic, as all times here. */
  setPolicy(policy: ChannelPolicy, nowMs: number): void {
    this.#policy = policy;
    this.isThrottled = false;
    if (DeliveryQuota.isNeededFor(policy)) {
      this.#quota ??= new DeliveryQuota();
      this.#quota.setPolicy(policy, nowMs);
    } else this.#quota = null;
  }

  /** How often consumers had to wait for the quota. */
  get throttledCount(): number {
    return this.#quota?.throttledCount ?? 0;
  }

  /** Finds the next run as `MessageQueue.look` does, and removes messages that must not be delivered. */
  look(): boolean {
    this.isBehind = this.#hasConditions && !this.#queue.discardFront(this.#policy.maxAttempts);
    return !this.isBehind && this.#queue.look();
  }

  /** How many of the `count` messages that `look` found may be sent now. */
  allowed(count: number, inFlightCount: number, nowMs: number): number {
    let allowed = count;
    if (this.#hasConditions) allowed = this.#queue.deliverable(allowed, this.#policy.maxAttempts);
    const quota = this.#quota;
    if (quota === null) return allowed;
    allowed = Math.min(allowed, quota.allowance(inFlightCount, nowMs));
    this.isThrottled = allowed === 0;
    if (this.isThrottled) quota.throttledCount++;
    return allowed;
  }

  /** How many messages are worth having, for consumers that could take this many. */
  capacity(consumersCapacity: number, inFlightCount: number): number {
    const { maxInFlight, maxRate, burst } = this.#policy;
    let capacity = consumersCapacity;
    if (maxInFlight > 0) capacity = Math.min(capacity, Math.max(0, maxInFlight - inFlightCount));
    return maxRate > 0 ? Math.min(capacity, burst) : capacity;
  }

  /** When time alone allows more to be sent; Infinity if it does not depend on time. */
  get nextMs(): number {
    return this.#quota?.nextMs ?? Number.POSITIVE_INFINITY;
  }

  /** Records that `count` messages were sent. */
  onSent(count: number): void {
    this.#quota?.take(count);
  }

  /** Whether a message with this many attempts is not sent again. */
  isExhausted(attempts: number): boolean {
    const { maxAttempts } = this.#policy;
    return maxAttempts > 0 && attempts >= maxAttempts;
  }

  /** How long a message waits after a timeout; 0 for no delay. Units: ms. */
  retryDelayMs(attempts: number): number {
    const { requeueBackoff } = this.#policy;
    return requeueBackoff === null ? 0 : backoffMs(requeueBackoff, attempts);
  }

  /** Whether some messages of the queue may not be delivered. */
  get #hasConditions(): boolean {
    return this.#policy.maxAttempts > 0 || this.#queue.ages !== null;
  }
}

function backoffMs({ minMs, maxMs }: Backoff, attempts: number): number {
  return Math.min(maxMs, minMs * 2 ** Math.min(attempts - 1, DOUBLINGS_MAX));
}
