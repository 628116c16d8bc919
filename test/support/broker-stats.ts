/**
 * HTTP requests to a broker: statistics and commands.
 *
 * Thread: main.
 */

import { setImmediate } from 'node:timers/promises';
import type { BrokerProcess } from '../../scripts/kit/broker.ts';

/** The figures of a channel that tests use. */
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

/** The figures of a topic that tests use. */
export type TopicStats = {
  readonly topic_name: string;
  readonly depth: number;
  readonly backend_depth: number;
  readonly message_count: number;
  readonly message_bytes: number;
  readonly paused: boolean;
  readonly channels: readonly ChannelStats[];
};

/** The answer to an HTTP request. */
export type Answer = { readonly status: number; readonly text: string };

/** Sends a request: with a body, or `null` for an empty one, as POST. */
export async function ask(
  { httpPort }: BrokerProcess,
  path: string,
  body?: string | Uint8Array<ArrayBuffer> | null,
): Promise<Answer> {
  const init = body === undefined ? {} : { method: 'POST', body };
  const response = await fetch(`http://127.0.0.1:${httpPort}${path}`, init);
  return { status: response.status, text: await response.text() };
}

/** The topic in /stats; undefined if there is none. */
export async function topicStats(
  broker: BrokerProcess,
  topic: string,
): Promise<TopicStats | undefined> {
  const path = `/stats?format=json&include_mem=false&include_clients=false&topic=${encodeURIComponent(topic)}`;
  const { text } = await ask(broker, path);
  // other tests check what the broker sends, or compare it with nsqd
  const { topics } = JSON.parse(text) as { topics: readonly TopicStats[] | null };
  return topics?.[0];
}

/** The channel in /stats; undefined if there is none. */
export async function channelStats(
  broker: BrokerProcess,
  topic: string,
  channel: string,
): Promise<ChannelStats | undefined> {
  const { channels = [] } = (await topicStats(broker, topic)) ?? {};
  return channels.find((one) => one.channel_name === channel);
}

/** Repeats the request until the answer satisfies the condition, and returns it. */
export async function until<T>(
  read: () => Promise<T>,
  isEnough: (value: T) => boolean,
): Promise<T> {
  for (;;) {
    const value = await read();
    if (isEnough(value)) return value;
    // A loop of reads that never wait would prevent everything else, even the end of the test.
    await setImmediate();
  }
}
