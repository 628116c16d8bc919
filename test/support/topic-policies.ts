/**
 * Policies of topics and channels.
 *
 * Thread: any.
 */

import {
  channelPolicy,
  type PolicyOptions,
  topicPolicy,
} from '../../src/main/policies/resolved-policy.ts';
import type { ChannelPolicy, TopicPolicy } from '../../src/shared/topic-policy.ts';

/** Nsqd's defaults. */
const OPTIONS: PolicyOptions = {
  memQueueSize: 10_000,
  maxDepth: 0,
  maxBytes: 0,
  whenFull: 'reject',
  msgTimeoutMs: 60_000,
  natsUrl: '',
};

/** The policy of a topic without policies, with the given values. */
export function policyWith(given: Partial<TopicPolicy> = {}): TopicPolicy {
  const { memQueueSize = OPTIONS.memQueueSize } = given;
  return { ...topicPolicy({ ...OPTIONS, memQueueSize }, {}), ...given };
}

/** The same for a channel. */
export function channelPolicyWith(given: Partial<ChannelPolicy> = {}): ChannelPolicy {
  return { ...channelPolicy(OPTIONS, undefined, {}), ...given };
}

/** Policies with the same values for all topics and channels. */
export function samePolicies(given: Partial<TopicPolicy & ChannelPolicy> = {}): {
  ofTopic: () => TopicPolicy;
  ofChannel: () => ChannelPolicy;
} {
  const { acknowledge, ...channel } = given;
  const topic = policyWith(given);
  const ofChannel = channelPolicyWith({ ...channel, memQueueSize: topic.memQueueSize });
  return { ofTopic: () => topic, ofChannel: () => ofChannel };
}
