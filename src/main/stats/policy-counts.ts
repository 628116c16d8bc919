/**
 * Counts of what nsqd does not do: shown where a policy or an option has it done, or where it has been done, so that
 * nobody who reads nsqd's statistics sees anything new otherwise.
 *
 * Thread: any (pure).
 */

import type { ChannelCounters, TopicCounters } from '../../shared/control.ts';
import {
  type ChannelPolicy,
  hasQueueBound,
  type QueuePolicy,
  type TopicPolicy,
} from '../../shared/topic-policy.ts';

/** Messages by what became of them; what says nothing is left out. */
export type PolicyCounts = {
  /** Gave way because the queue was full. */
  readonly dropped?: number;
  /** Were too old. */
  readonly expired?: number;
  /** Were sent too often. */
  readonly exhausted?: number;
  /** Those of the others that are in another topic now. */
  readonly deadLetters?: number;
  /** How often a delivery had to wait. */
  readonly throttled?: number;
};

/** The counts by their names in nsqd's style, in the order in which they are shown. */
export const POLICY_COUNT_NAMES: readonly (readonly [keyof PolicyCounts, string])[] = [
  ['dropped', 'dropped_count'],
  ['expired', 'expired_count'],
  ['exhausted', 'attempts_exceeded_count'],
  ['deadLetters', 'dead_letter_count'],
  ['throttled', 'throttled'],
];

/** The counts of a topic. */
export function topicCounts(policy: TopicPolicy, counters: TopicCounters): PolicyCounts {
  return queueCounts(policy, counters);
}

/** The counts of a channel. */
export function channelCounts(policy: ChannelPolicy, counters: ChannelCounters): PolicyCounts {
  const { exhaustedCount, throttledCount } = counters;
  const isThrottled = policy.maxRate > 0 || policy.maxInFlight > 0;
  return {
    ...queueCounts(policy, counters),
    ...shown('exhausted', exhaustedCount, policy.maxAttempts > 0),
    ...shown('throttled', throttledCount, isThrottled),
  };
}

function queueCounts(
  policy: QueuePolicy,
  { droppedCount, expiredCount, deadLetterCount }: TopicCounters | ChannelCounters,
): PolicyCounts {
  return {
    ...shown('dropped', droppedCount, hasQueueBound(policy)),
    ...shown('expired', expiredCount, policy.messageTtlMs > 0),
    ...shown('deadLetters', deadLetterCount, policy.deadLetter !== ''),
  };
}

function shown(name: keyof PolicyCounts, count: number, isInForce: boolean): PolicyCounts {
  return isInForce || count > 0 ? { [name]: count } : {};
}
