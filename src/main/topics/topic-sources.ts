/**
 * What the topic map asks: peers that know topics too, and the policies.
 *
 * Thread: main.
 */

import type { ChannelName, TopicName } from '../../shared/names.ts';
import type { ChannelPolicy, TopicPolicy } from '../../shared/topic-policy.ts';

/** Peers that learn of topics and channels, and may know other channels. */
export interface TopicRegistry {
  onTopicCreated(topic: string): void;
  onTopicDeleted(topic: string): void;
  onChannelCreated(topic: string, channel: string): void;
  onChannelDeleted(topic: string, channel: string): void;
  /** Undefined if there are no peers. Never rejects. */
  channelsOf(topic: TopicName): Promise<readonly ChannelName[]> | undefined;
}

/** The policies of topics and channels, by name. Equal policies may be the same object. */
export interface PromiseSource {
  ofTopic(topic: TopicName): TopicPolicy;
  ofChannel(topic: TopicName, channel: ChannelName): ChannelPolicy;
}
