/**
 * Waits for the store of replicated topics: once a client knows that its channel exists, the channel must get
 * everything that is published from then on at any broker.
 *
 * Thread: main.
 */

import type { PumpHandle } from '../pumps/pump-handle.ts';

type StoredTopic = {
  readonly number: number;
  readonly pump: PumpHandle;
  readonly isReplicated: boolean;
};
type StoredChannel = { readonly number: number; readonly topic: StoredTopic };

/**
 * Resolves with null when the store has a replicated topic, or with the reason why it cannot create it now; the
 * creation is retried in any case. Null if the topic is local.
 */
export function whenTopicStored(topic: StoredTopic): Promise<string | null> | null {
  return topic.isReplicated ? whenStored(topic, 0) : null;
}

/** The same for a channel, whose topic is stored first. */
export function whenChannelStored({ topic, number }: StoredChannel): Promise<string | null> | null {
  return topic.isReplicated ? whenStored(topic, number) : null;
}

async function whenStored({ pump, number }: StoredTopic, channel: number): Promise<string | null> {
  return (await pump.request({ do: 'whenStored', topic: number, channel })).error;
}
