/**
 * What operator commands read of `GET /stats?format=json`.
 *
 * Thread: main.
 */

import type { BrokerHttp } from './broker-http.ts';

/** What topics and channels have in common. */
type QueueStats = {
  readonly depth: number;
  readonly backend_depth: number;
  readonly message_count: number;
  readonly paused: boolean;
};

/** A consumer of a channel. */
export type ConsumerStats = {
  readonly client_id: string;
  readonly remote_address: string;
  readonly user_agent: string;
  readonly ready_count: number;
  readonly in_flight_count: number;
  readonly message_count: number;
  readonly finish_count: number;
  readonly requeue_count: number;
};

/** A channel; its clients are present if they were requested. */
export type ChannelStats = QueueStats & {
  readonly channel_name: string;
  readonly in_flight_count: number;
  readonly deferred_count: number;
  readonly requeue_count: number;
  readonly timeout_count: number;
  readonly client_count: number;
  readonly clients: readonly ConsumerStats[];
};

/** A topic with its channels. */
export type TopicStats = QueueStats & {
  readonly topic_name: string;
  readonly message_bytes: number;
  readonly channels: readonly ChannelStats[];
};

/** The whole broker. */
export type NodeStats = {
  readonly version: string;
  readonly health: string;
  /** Units: Unix seconds. */
  readonly start_time: number;
  readonly topics: readonly TopicStats[];
};

/** Fetches the statistics of everything, or of a topic or channel; with clients only on request. */
export async function nodeStats(
  broker: BrokerHttp,
  { topic = '', channel = '', withClients = false } = {},
): Promise<NodeStats> {
  const query = new URLSearchParams({
    format: 'json',
    include_clients: String(withClients),
    ...(topic !== '' && { topic }),
    ...(channel !== '' && { channel }),
  });
  // The broker's format; an unknown topic leaves null, as with nsqd.
  const stats = (await broker.ask('GET', `/stats?${query}`)) as NodeStats;
  return { ...stats, topics: stats.topics ?? [] };
}

/** A sum over a topic's channels. */
export function sumOf(
  { channels }: TopicStats,
  field: 'depth' | 'in_flight_count' | 'deferred_count' | 'client_count',
): number {
  let sum = 0;
  for (const channel of channels) sum += channel[field];
  return sum;
}
