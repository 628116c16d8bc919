/**
 * The bound of one queue, and what happens at the bound.
 *
 * Thread: pump. Source: own; nsqd has no such bound.
 */

import type { QueuePolicy } from '../../shared/topic-policy.ts';

/** Units: `maxDepth` in messages, `maxBytes` in bytes of messages with their headers; Infinity for no bound. */
export type DepthBound = {
  readonly maxDepth: number;
  readonly maxBytes: number;
  /** Whether the oldest messages of the queue are dropped; otherwise new ones are refused with an error. */
  readonly dropsOldest: boolean;
};

/** No bound other than memory and disk. */
export const NO_BOUND: DepthBound = {
  maxDepth: Number.POSITIVE_INFINITY,
  maxBytes: Number.POSITIVE_INFINITY,
  dropsOldest: false,
};

/** The bound of a policy. */
export function depthBoundOf({ maxDepth, maxBytes, whenFull }: QueuePolicy): DepthBound {
  return {
    maxDepth: maxDepth || Number.POSITIVE_INFINITY,
    maxBytes: maxBytes || Number.POSITIVE_INFINITY,
    dropsOldest: whenFull !== 'reject',
  };
}
