/**
 * Names of topics and channels that are known to be valid.
 *
 * Thread: any.
 */

import assert from 'node:assert/strict';
import {
  type ChannelName,
  parseChannelName,
  parseTopicName,
  type TopicName,
} from '../../src/shared/names.ts';

/** A topic name of a scenario. */
export function topicName(text: string): TopicName {
  const name = parseTopicName(text);
  assert.ok(name !== undefined);
  return name;
}

/** A channel name of a scenario. */
export function channelName(text: string): ChannelName {
  const name = parseChannelName(text);
  assert.ok(name !== undefined);
  return name;
}
