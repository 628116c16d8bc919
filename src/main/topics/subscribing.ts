/**
 * How a consumer of any kind joins and leaves a channel.
 *
 * Thread: main. Source: nsqd `protocolV2.SUB`.
 */

import type { Logger } from '../../daemon/log.ts';
import { ClientError } from '../../protocol/client-error.ts';
import { rethrowBug } from '../../shared/assert.ts';
import type { Locality } from '../../shared/control.ts';
import { errorText } from '../../shared/error-text.ts';
import type { ChannelName, TopicName } from '../../shared/names.ts';
import type { Options } from '../options/options.ts';
import { creationRefusal } from './drain.ts';
import type { ChannelHandle, ChannelMember, TopicMap } from './topic-map.ts';

/** The request of a consumer. */
type SubscriptionRequest = {
  readonly topic: TopicName;
  readonly channel: ChannelName;
  readonly member: ChannelMember;
  /** Null: the channel's own. Units: ms. */
  readonly msgTimeoutMs: number | null;
  /** As `Consumer.sampleRate` of the pump. */
  readonly sampleRate: number;
  readonly locality: Locality;
};

/** Adds a consumer to a channel, which is created if it does not exist. Errors: returns why the channel is full. */
export function subscribe(
  topics: TopicMap,
  { maxChannelConsumers, maxMsgTimeoutMs }: Options,
  { topic: topicName, channel: name, member, msgTimeoutMs, ...wishes }: SubscriptionRequest,
): ChannelHandle | ClientError {
  const refusal = creationRefusal(topics, topicName, name);
  if (refusal !== null) return new ClientError('E_SUB_FAILED', `SUB failed ${refusal}`);
  const topic = topics.getOrCreate(topicName);
  const channel = topics.getOrCreateChannel(topic, name);
  if (maxChannelConsumers > 0 && channel.members.size >= maxChannelConsumers) {
    const reason = `consumers for ${topicName}:${name} exceeds limit of ${maxChannelConsumers}`;
    return new ClientError('E_SUB_FAILED', `SUB failed ${reason}`);
  }
  channel.members.add(member);
  void topic.pump.request({
    do: 'subscribe',
    topic: topic.number,
    channel: channel.number,
    consumer: member.number,
    msgTimeoutMs: Math.min(msgTimeoutMs ?? channel.policy.msgTimeoutMs, maxMsgTimeoutMs),
    ...wishes,
  });
  return channel;
}

/** Removes a consumer from its channel. An ephemeral channel is deleted with its last consumer. */
export function leaveChannel(
  topics: TopicMap,
  channel: ChannelHandle,
  member: ChannelMember,
  logger: Pick<Logger, 'error'>,
): void {
  topics.leave(channel, member).catch((error: unknown) => {
    rethrowBug(error);
    logger.error(`failed to delete ephemeral channel - ${errorText(error)}`);
  });
}
