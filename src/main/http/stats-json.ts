/**
 * The statistics as JSON. Keys are in nsqd's order, and fields that nsqd omits when they are empty are omitted. Fields
 * that nsqd does not have appear only when they carry information.
 *
 * Thread: any.
 * Source: nsqd `doStats`.
 */

import { goJson } from '../../daemon/go/go-text.ts';
import { NSQD_VERSION } from '../../daemon/version.ts';
import { type MemoryStatistics, namedMemory } from '../stats/memory-statistics.ts';
import { POLICY_COUNT_NAMES } from '../stats/policy-counts.ts';
import type {
  BrokerStats,
  ChannelStatistics,
  ClientStatistics,
  TopicStatistics,
} from '../stats/stats.ts';

/** The contents of both forms. Units: `startTimeMs` in Unix ms. */
export type StatsReport = {
  readonly health: string;
  readonly startTimeMs: number;
  readonly stats: BrokerStats;
  readonly refusedConnectionCount: number;
  readonly failedInputCount: number;
  /** Undefined if it was not asked for. */
  readonly memory: MemoryStatistics | undefined;
};

const MS_PER_SECOND = 1000;
/** The numbers of the protocol's states. */
export const STATE_NUMBERS = { init: 0, subscribed: 3, closing: 4 } as const;

/** The report as JSON, in pieces no larger than one client or channel. */
export function* statsJson(report: StatsReport): Iterable<string> {
  const { health, startTimeMs, stats, memory } = report;
  const { refusedConnectionCount, failedInputCount } = report;
  const start_time = Math.floor(startTimeMs / MS_PER_SECOND);
  yield `${opened({ version: NSQD_VERSION, health, start_time })},"topics":`;
  yield* listJson(stats.topics, topicJson);
  if (memory !== undefined) yield `,"memory":${goJson(Object.fromEntries(namedMemory(memory)))}`;
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

/** A JSON object without its closing brace. */
function opened(value: object): string {
  return goJson(value).slice(0, -1);
}

/** A JSON object without its opening brace. */
function continued(value: object): string {
  return goJson(value).slice(1);
}

function* topicJson(topic: TopicStatistics): Iterable<string> {
  yield `${opened({ topic_name: topic.name })},"channels":`;
  yield* listJson(topic.channels, channelJson);
  yield `,${continued({
    depth: topic.depth,
    backend_depth: topic.backendDepth,
    message_count: topic.messageCount,
    message_bytes: topic.messageBytes,
    ...policyFields(topic),
    replicated: topic.isReplicated || undefined,
    paused: topic.isPaused,
    e2e_processing_latency: topic.latency,
  })}`;
}

function* channelJson(channel: ChannelStatistics): Iterable<string> {
  const { zone, region, global } = channel.takenCounts;
  yield `${opened({
    channel_name: channel.name,
    depth: channel.depth,
    backend_depth: channel.backendDepth,
    in_flight_count: channel.inFlightCount,
    deferred_count: channel.deferredCount,
    message_count: channel.messageCount,
    zone_local_msg_count: zone || undefined,
    region_local_msg_count: region || undefined,
    global_msg_count: global || undefined,
    requeue_count: channel.requeueCount,
    timeout_count: channel.timeoutCount,
    ...policyFields(channel),
    expiring: channel.isExpiring || undefined,
    client_count: channel.clientCount,
  })},"clients":`;
  yield* listJson(channel.clients, clientJson);
  yield `,${continued({
    paused: channel.isPaused,
    e2e_processing_latency: channel.latency,
  })}`;
}

/** The effects of policies, and the names of those that apply. */
function policyFields({ policyCounts, policies }: TopicStatistics | ChannelStatistics): object {
  const counts = POLICY_COUNT_NAMES.map(([name, field]) => [field, policyCounts[name]]);
  return { ...Object.fromEntries(counts), policies: policies.length > 0 ? policies : undefined };
}

function* clientJson(client: ClientStatistics): Iterable<string> {
  const { tls, auth, published } = client;
  yield goJson({
    client_id: client.clientId,
    hostname: client.hostname,
    version: 'V2',
    remote_address: client.remoteAddress,
    state: STATE_NUMBERS[client.state],
    ready_count: client.readyCount,
    in_flight_count: client.inFlightCount,
    message_count: client.messageCount,
    finish_count: client.finishCount,
    requeue_count: client.requeueCount,
    connect_ts: client.connectTimestamp,
    sample_rate: client.sampleRate,
    deflate: client.compression === 'deflate',
    snappy: client.compression === 'snappy',
    user_agent: client.userAgent,
    authed: auth === null ? undefined : true,
    auth_identity: auth?.identity || undefined,
    auth_identity_url: auth?.identityUrl || undefined,
    topology_zone: client.topologyZone,
    topology_region: client.topologyRegion,
    pub_counts: published === null ? undefined : [published],
    tls: tls !== null,
    tls_cipher_suite: tls?.cipherSuite ?? '',
    tls_version: tls?.version ?? '',
    tls_negotiated_protocol: tls?.negotiatedProtocol ?? '',
    tls_negotiated_protocol_is_mutual: tls?.isMutual ?? false,
  });
}
