/**
 * Counters of features that nsqd does not have. They are shown only if a policy or an option enables the feature or
 * the count is not zero, so that otherwise the statistics equal nsqd's.
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

/** Counters to show; the others are left out. */
export type PolicyCounts = {
  /** Dropped because the queue was full. */
  readonly dropped?: number;
  /** Expired. */
  readonly expired?: number;
  /** Out of attempts. */
  readonly exhausted?: number;
  /** Those of them that went to a dead letter topic. */
  readonly deadLetters?: number;
  /** Were published before. */
  readonly deduplicated?: number;
  /** How often a delivery had to wait. */
  readonly throttled?: number;
};

/** The names of the counters in nsqd's style, in display order. */
export const POLICY_COUNT_NAMES: readonly (readonly [keyof PolicyCounts, string])[] = [
  ['dropped', 'dropped_count'],
  ['expired', 'expired_count'],
  ['exhausted', 'attempts_exceeded_count'],
  ['deadLetters', 'dead_letter_count'],
  ['deduplicated', 'deduplicated_count'],
  ['throttled', 'throttled'],
];

/** Of all topics and channels without such features, which may be thousands. */
const NONE: PolicyCounts = {};

/** The counts of a topic. */
export function topicCounts(policy: TopicPolicy, counters: TopicCounters): PolicyCounts {
  const { deduplicatedCount } = counters;
  if (deduplicatedCount === 0 && policy.deduplicateMs === 0 && isPlain(policy, counters)) {
    return NONE;
  }
  return {
    ...queueCounts(policy, counters),
    ...shown('deduplicated', deduplicatedCount, policy.deduplicateMs > 0),
  };
}

/** The counts of a channel. */
export function channelCounts(policy: ChannelPolicy, counters: ChannelCounters): PolicyCounts {
  const { exhaustedCount, throttledCount } = counters;
  const isThrottled = policy.maxRate > 0 || policy.maxInFlight > 0;
  const isLimited = isThrottled || policy.maxAttempts > 0;
  if (exhaustedCount === 0 && throttledCount === 0 && !isLimited && isPlain(policy, counters)) {
    return NONE;
  }
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

/** Whether the queue has none of the counts that topics and channels share. */
function isPlain(
  policy: QueuePolicy,
  { droppedCount, expiredCount, deadLetterCount }: TopicCounters | ChannelCounters,
): boolean {
  return (
    droppedCount + expiredCount + deadLetterCount === 0 &&
    policy.messageTtlMs === 0 &&
    policy.deadLetter === '' &&
    !hasQueueBound(policy)
  );
}

function shown(name: keyof PolicyCounts, count: number, isInForce: boolean): PolicyCounts {
  return isInForce || count > 0 ? { [name]: count } : {};
}
