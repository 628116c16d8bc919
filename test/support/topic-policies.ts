/**
 * Policies of topics and channels.
 *
 * Thread: any.
 */

import type { ChannelPolicy, TopicPolicy } from '../../src/shared/topic-policy.ts';

/** nsqd's, with what is given. */
export function policyWith(given: Partial<TopicPolicy> = {}): TopicPolicy {
  return {
    memQueueSize: 10_000,
    maxDepth: 0,
    maxBytes: 0,
    whenFull: 'reject',
    messageTtlMs: 0,
    deadLetter: '',
    deadLetterEnvelope: 'none',
    acknowledge: given.memQueueSize === 0 ? 'write' : 'memory',
    deduplicateMs: 0,
    deduplicateKey: 'body',
    store: 'local',
    replicas: 0,
    retention: { ageMs: 0, bytes: 0 },
    ...given,
  };
}

/** The same of a channel. */
export function channelPolicyWith(given: Partial<ChannelPolicy> = {}): ChannelPolicy {
  const { memQueueSize, maxDepth, maxBytes, whenFull } = policyWith();
  return {
    memQueueSize,
    maxDepth,
    maxBytes,
    whenFull,
    messageTtlMs: 0,
    deadLetter: '',
    deadLetterEnvelope: 'none',
    maxInFlight: 0,
    maxRate: 0,
    burst: 1,
    maxAttempts: 0,
    requeueBackoff: null,
    msgTimeoutMs: 60_000,
    expiresMs: 0,
    warnAfterMs: 0,
    ...given,
  };
}

/** Policies that promise everybody the same. */
export function samePolicies(given: Partial<TopicPolicy & ChannelPolicy> = {}): {
  ofTopic: () => TopicPolicy;
  ofChannel: () => ChannelPolicy;
} {
  const { acknowledge, ...channel } = given;
  const topic = policyWith(given);
  const channelPolicy = channelPolicyWith({ ...channel, memQueueSize: topic.memQueueSize });
  return { ofTopic: () => topic, ofChannel: () => channelPolicy };
}
