/**
 * What a broker tells over HTTP, and what it is told.
 *
 * Thread: main.
 */

import { setImmediate } from 'node:timers/promises';
import type { BrokerProcess } from '../../scripts/kit/broker.ts';

/** The numbers of a channel that tests look at. */
export type ChannelStats = {
  readonly channel_name: string;
  readonly depth: number;
  readonly backend_depth: number;
  readonly in_flight_count: number;
  readonly deferred_count: number;
  readonly message_count: number;
  readonly requeue_count: number;
  readonly timeout_count: number;
  readonly client_count: number;
  readonly paused: boolean;
};

/** The numbers of a topic that tests look at. */
export type TopicStats = {
  readonly topic_name: string;
  readonly depth: number;
  readonly backend_depth: number;
  readonly message_count: number;
  readonly message_bytes: number;
  readonly paused: boolean;
  readonly channels: readonly ChannelStats[];
};

/** Answer to an HTTP request. */
export type Answer = { readonly status: number; readonly text: string };

/** Sends a request: with a body, or `null` for none, as POST. */
export async function ask(
  { httpPort }: BrokerProcess,
  path: string,
  body?: string | Uint8Array<ArrayBuffer> | null,
): Promise<Answer> {
  const init = body === undefined ? {} : { method: 'POST', body };
  const response = await fetch(`http://127.0.0.1:${httpPort}${path}`, init);
  return { status: response.status, text: await response.text() };
}

/** The topic as /stats shows it; undefined when there is none. */
export async function topicStats(
  broker: BrokerProcess,
  topic: string,
): Promise<TopicStats | undefined> {
  const path = `/stats?format=json&include_mem=false&include_clients=false&topic=${encodeURIComponent(topic)}`;
  const { text } = await ask(broker, path);
  // what the broker sends is checked by its own tests, and by those that compare it
  const { topics } = JSON.parse(text) as { topics: readonly TopicStats[] | null };
  return topics?.[0];
}

/** The channel as /stats shows it; undefined when there is none. */
export async function channelStats(
  broker: BrokerProcess,
  topic: string,
  channel: string,
): Promise<ChannelStats | undefined> {
  const { channels = [] } = (await topicStats(broker, topic)) ?? {};
  return channels.find((one) => one.channel_name === channel);
}

/** Asks until the answer satisfies, and returns it. */
export async function until<T>(
  read: () => Promise<T>,
  isEnough: (value: T) => boolean,
): Promise<T> {
  for (;;) {
    const value = await read();
    if (isEnough(value)) return value;
    // What is read without waiting would otherwise keep everything else, even the end of the test, from happening.
    await setImmediate();
  }
}
