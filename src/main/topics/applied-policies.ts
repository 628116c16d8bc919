/**
 * Applies changed policies to existing topics and channels, and sends them to the pumps.
 *
 * Thread: main.
 */

import { isDeepStrictEqual } from 'node:util';
import type { ChannelName, TopicName } from '../../shared/names.ts';
import {
  type ChannelPolicy,
  refusesWhenFull,
  type TopicPolicy,
} from '../../shared/topic-policy.ts';
import { PolicyChanges } from '../pumps/policy-changes.ts';
import type { PumpHandle } from '../pumps/pump-handle.ts';
import type { PromiseSource } from './topic-sources.ts';

/** Topics and channels whose policies are checked in one slice. */
const APPLIED_PER_SLICE = 256;

/** A topic with a policy. */
interface RuledTopic {
  readonly number: number;
  readonly name: TopicName;
  readonly pump: PumpHandle;
  policy: TopicPolicy;
  refusingChannelCount: number;
}

/** A channel with a policy. */
interface RuledChannel {
  readonly number: number;
  readonly name: ChannelName;
  readonly topic: RuledTopic;
  policy: ChannelPolicy;
}

/** Applies them. `onChanged` gets each channel whose policy has changed. In slices, for `inSlices`. */
export function* applyPolicies<Channel extends RuledChannel>(
  topics: Iterable<RuledTopic & { readonly channels: ReadonlyMap<string, Channel> }>,
  policies: PromiseSource,
  onChanged: (channel: Channel) => void,
): Generator<void, void> {
  const changes = new PolicyChanges();
  let left = APPLIED_PER_SLICE;
  for (const topic of topics) {
    applyToTopic(topic, policies, changes);
    for (const channel of topic.channels.values()) {
      if (applyToChannel(channel, policies, changes)) onChanged(channel);
      if (--left > 0) continue;
      changes.send();
      left = APPLIED_PER_SLICE;
      yield;
    }
    if (--left > 0) continue;
    changes.send();
    left = APPLIED_PER_SLICE;
    yield;
  }
  changes.send();
}

function applyToTopic(topic: RuledTopic, policies: PromiseSource, changes: PolicyChanges): void {
  const policy = policies.ofTopic(topic.name);
  if (isDeepStrictEqual(policy, topic.policy)) return;
  topic.policy = policy;
  changes.addTopic(topic.pump, topic.number, policy);
}

/** Returns whether the channel's policy has changed. */
function applyToChannel(
  channel: RuledChannel,
  policies: PromiseSource,
  changes: PolicyChanges,
): boolean {
  const { topic } = channel;
  const policy = policies.ofChannel(topic.name, channel.name);
  if (isDeepStrictEqual(policy, channel.policy)) return false;
  topic.refusingChannelCount +=
    Number(refusesWhenFull(policy)) - Number(refusesWhenFull(channel.policy));
  channel.policy = policy;
  changes.addChannel(topic.pump, channel.number, policy);
  return true;
}
