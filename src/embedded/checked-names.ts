/**
 * Checks names that an embedding program passes.
 *
 * Errors: throw an NsqError if a name is not valid.
 * Thread: main.
 */

import { NsqError } from '../client/nsq-error.ts';
import { valueText } from '../shared/error-text.ts';
import {
  type ChannelName,
  parseChannelName,
  parseTopicName,
  type TopicName,
} from '../shared/names.ts';

/** A topic's name. */
export function checkedTopic(topic: string): TopicName {
  const name = typeof topic === 'string' ? parseTopicName(topic) : undefined;
  if (name === undefined) {
    throw new NsqError('E_BAD_TOPIC', `"${valueText(topic)}" is not a topic's name`, {
      topic: valueText(topic),
    });
  }
  return name;
}

/** The name of one of its channels. */
export function checkedChannel(topic: string, channel: string): ChannelName {
  const name = typeof channel === 'string' ? parseChannelName(channel) : undefined;
  if (name === undefined) {
    throw new NsqError('E_BAD_CHANNEL', `"${valueText(channel)}" is not a channel's name`, {
      topic: valueText(topic),
    });
  }
  return name;
}
