/**
 * What the policy of a channel says about deliveries: which messages may be sent, how many now, and how long one waits
 * that was not answered.
 *
 * Thread: pump.
 */

import type { Backoff, ChannelPolicy } from '../../shared/topic-policy.ts';
import { DeliveryQuota } from './delivery-quota.ts';
import type { MessageQueue } from './message-queue.ts';

/** No delay is doubled more often. */
const DOUBLINGS_MAX = 32;

export class DeliveryRules {
  /** Whether consumers wait because no more may be sent now. */
  isThrottled = false;

  readonly #queue: MessageQueue;
  #policy: ChannelPolicy;
  /** Null where the policy sets none. */
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

  /** Finds what to deliver next, as `MessageQueue.look`, and gives up what must not be delivered. */
  look(): boolean {
    if (this.#hasConditions) this.#queue.giveUpFront(this.#policy.maxAttempts);
    return this.#queue.look();
  }

  /** How many of so many messages that `look` has found may be sent now. */
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

  /** When more may be sent than now, by time alone; Infinity if time does not matter. */
  get nextMs(): number {
    return this.#quota?.nextMs ?? Number.POSITIVE_INFINITY;
  }

  /** So many messages were sent. */
  onSent(count: number): void {
    this.#quota?.take(count);
  }

  /** Whether a message that was sent so often is not sent again. */
  isExhausted(attempts: number): boolean {
    const { maxAttempts } = this.#policy;
    return maxAttempts > 0 && attempts >= maxAttempts;
  }

  /** How long a message waits that timed out at its last attempt; 0 for not at all. Units: ms. */
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
