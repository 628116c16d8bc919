/**
 * How much may wait in one queue, and what happens beyond it.
 *
 * Thread: pump. Source: own; nsqd has no such bound.
 */

import type { QueuePolicy } from '../../shared/topic-policy.ts';

/** Units: `maxDepth` in messages, `maxBytes` in bytes of messages with their headers; Infinity for no bound. */
export type DepthBound = {
  readonly maxDepth: number;
  readonly maxBytes: number;
  /** What is dropped: the oldest messages of the queue, or the new ones, whose publisher gets an error. */
  readonly dropsOldest: boolean;
};

/** As much as memory and disk can hold. */
export const NO_BOUND: DepthBound = {
  maxDepth: Number.POSITIVE_INFINITY,
  maxBytes: Number.POSITIVE_INFINITY,
  dropsOldest: false,
};

/** What a policy says of it. */
export function depthBoundOf({ maxDepth, maxBytes, whenFull }: QueuePolicy): DepthBound {
  return {
    maxDepth: maxDepth || Number.POSITIVE_INFINITY,
    maxBytes: maxBytes || Number.POSITIVE_INFINITY,
    dropsOldest: whenFull !== 'reject',
  };
}
