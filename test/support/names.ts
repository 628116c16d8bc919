/**
 * Names that tests know to be valid.
 *
 * Thread: any.
 */

import {
  type ChannelName,
  parseChannelName,
  parseTopicName,
  type TopicName,
} from '../../src/shared/names.ts';

/** Errors: throws if it is not a valid name. */
export function topicNamed(text: string): TopicName {
  const name = parseTopicName(text);
  if (name === undefined) throw new Error(`"${text}" is not a topic's name`);
  return name;
}

/** Errors: throws if it is not a valid name. */
export function channelNamed(text: string): ChannelName {
  const name = parseChannelName(text);
  if (name === undefined) throw new Error(`"${text}" is not a channel's name`);
  return name;
}
