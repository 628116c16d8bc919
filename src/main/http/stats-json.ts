/**
 * The statistics as JSON: keys in nsqd's order, and without the fields that nsqd leaves out when they are empty. Fields
 * that nsqd does not have are there only when they say something.
 *
 * Thread: any.
 * Source: nsqd `doStats`.
 */

import { goJson } from '../../daemon/go/go-text.ts';
import { NSQD_VERSION } from '../../daemon/version.ts';
import type { MemoryStatistics } from '../stats/memory-statistics.ts';
import type {
  BrokerStats,
  ChannelStatistics,
  ClientStatistics,
  TopicStatistics,
} from '../stats/stats.ts';

/** What both forms of the statistics show. Units: `startTimeMs` in Unix ms. */
export type StatsReport = {
  readonly health: string;
  readonly startTimeMs: number;
  readonly stats: BrokerStats;
  readonly refusedConnectionCount: number;
  readonly failedInputCount: number;
  /** Undefined when it is not wanted. */
  readonly memory: MemoryStatistics | undefined;
};

const MS_PER_SECOND = 1000;

/** The report as JSON, in pieces of which none is larger than what is said of a client or a channel. */
export function* statsJson(report: StatsReport): Iterable<string> {
  const { health, startTimeMs, stats, memory } = report;
  const { refusedConnectionCount, failedInputCount } = report;
  const start_time = Math.floor(startTimeMs / MS_PER_SECOND);
  yield `${opened({ version: NSQD_VERSION, health, start_time })},"topics":`;
  yield* listJson(stats.topics, topicJson);
  if (memory !== undefined) yield `,"memory":${goJson(memory)}`;
  yield ',"producers":';
  yield* listJson(stats.producers, clientJson);
  if (refusedConnectionCount > 0) yield `,"refused_connection_count":${refusedConnectionCount}`;
  if (failedInputCount > 0) yield `,"failed_input_count":${failedInputCount}`;
  yield '}';
}

function* listJson<T>(
  items: readonly T[] | null,
  json: (item: T) => Iterable<string>,
): Iterable<string> {
  if (items === null) {
    yield 'null';
    return;
  }
  let separator = '[';
  for (const item of items) {
    yield separator;
    yield* json(item);
    separator = ',';
  }
  yield items.length === 0 ? '[]' : ']';
}

/** An object without its end. */
function opened(value: object): string {
  return goJson(value).slice(0, -1);
}

/** An object without its beginning. */
function continued(value: object): string {
  return goJson(value).slice(1);
}

function* topicJson(topic: TopicStatistics): Iterable<string> {
  yield `${opened({ topic_name: topic.topic_name })},"channels":`;
  yield* listJson(topic.channels, channelJson);
  yield `,${continued({
    depth: topic.depth,
    backend_depth: topic.backend_depth,
    message_count: topic.message_count,
    message_bytes: topic.message_bytes,
    dropped_count: topic.dropped_count,
    paused: topic.paused,
    e2e_processing_latency: topic.e2e_processing_latency,
  })}`;
}

function* channelJson(channel: ChannelStatistics): Iterable<string> {
  yield `${opened({
    channel_name: channel.channel_name,
    depth: channel.depth,
    backend_depth: channel.backend_depth,
    in_flight_count: channel.in_flight_count,
    deferred_count: channel.deferred_count,
    message_count: channel.message_count,
    zone_local_msg_count: channel.zone_local_msg_count || undefined,
    region_local_msg_count: channel.region_local_msg_count || undefined,
    global_msg_count: channel.global_msg_count || undefined,
    requeue_count: channel.requeue_count,
    timeout_count: channel.timeout_count,
    dropped_count: channel.dropped_count,
    client_count: channel.client_count,
  })},"clients":`;
  yield* listJson(channel.clients, clientJson);
  yield `,${continued({
    paused: channel.paused,
    e2e_processing_latency: channel.e2e_processing_latency,
  })}`;
}

function* clientJson(client: ClientStatistics): Iterable<string> {
  yield goJson({
    client_id: client.client_id,
    hostname: client.hostname,
    version: client.version,
    remote_address: client.remote_address,
    state: client.state,
    ready_count: client.ready_count,
    in_flight_count: client.in_flight_count,
    message_count: client.message_count,
    finish_count: client.finish_count,
    requeue_count: client.requeue_count,
    connect_ts: client.connect_ts,
    sample_rate: client.sample_rate,
    deflate: client.deflate,
    snappy: client.snappy,
    user_agent: client.user_agent,
    authed: client.authed || undefined,
    auth_identity: client.auth_identity || undefined,
    auth_identity_url: client.auth_identity_url || undefined,
    topology_zone: client.topology_zone,
    topology_region: client.topology_region,
    pub_counts: client.pub_counts?.length ? client.pub_counts : undefined,
    tls: client.tls,
    tls_cipher_suite: client.tls_cipher_suite,
    tls_version: client.tls_version,
    tls_negotiated_protocol: client.tls_negotiated_protocol,
    tls_negotiated_protocol_is_mutual: client.tls_negotiated_protocol_is_mutual,
  });
}
