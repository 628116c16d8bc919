/**
 * Waits for the store of replicated topics: a client that was told of a channel counts on what is published from then
 * on, at any broker.
 *
 * Thread: main.
 */

import type { ChannelHandle, TopicHandle } from './topic-map.ts';

/**
 * Resolves with null when the store has a replicated topic, or with the reason why it cannot create it now; it is
 * tried again all the same. Null if this broker alone has the topic.
 */
export function whenTopicStored(topic: TopicHandle): Promise<string | null> | null {
  return topic.isReplicated ? whenStored(topic, 0) : null;
}

/** The same for a channel, which has its topic stored too. */
export function whenChannelStored({ topic, number }: ChannelHandle): Promise<string | null> | null {
  return topic.isReplicated ? whenStored(topic, number) : null;
}

async function whenStored({ pump, number }: TopicHandle, channel: number): Promise<string | null> {
  return (await pump.request({ do: 'whenStored', topic: number, channel })).error;
}
