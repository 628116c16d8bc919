/**
 * The statistics of topics, channels and their clients: of one node, and summed over several.
 *
 * Shape: all names and their order are those of nsqadmin's JSON.
 * Units: messages; `connected` is in ns.
 * Thread: any (pure).
 * Source: nsq `clusterinfo.TopicStats`, `ChannelStats`, `ClientStats`.
 */

import { addLatency, type Latency, latencyOf, noLatency } from './latency.ts';
import { listOf, type Members, numberOf, textOf } from './upstream-values.ts';

/** Messages by the locality of their consumers. Missing if the node does not count them. */
type Deliveries = {
  delivery_msg_count?: number;
  zone_local_msg_count?: number;
  region_local_msg_count?: number;
  global_msg_count?: number;
};

/** What topics and channels have in common. */
type QueueStats = Deliveries & {
  node: string;
  hostname: string;
  topic_name: string;
  depth: number;
  memory_depth: number;
  backend_depth: number;
  message_count: number;
  paused: boolean;
  e2e_processing_latency: Latency | null;
};

/** A topic; `nodes` are the parts of a sum. */
export type TopicStats = QueueStats & {
  nodes: TopicStats[] | null;
  channels: ChannelStats[] | null;
};

/** A channel. */
export type ChannelStats = QueueStats & {
  channel_name: string;
  in_flight_count: number;
  deferred_count: number;
  requeue_count: number;
  timeout_count: number;
  client_count: number;
  nodes: ChannelStats[] | null;
  clients: ClientStats[] | null;
};

/** A client of a channel. */
type ClientStats = {
  readonly node: string;
  readonly hostname: string;
  readonly node_topology_region?: string;
  readonly node_topology_zone?: string;
  readonly topology_region?: string;
  readonly topology_zone?: string;
};

/** The node that reports it. */
export type StatsNode = {
  /** `<broadcast address>:<HTTP port>`. */
  readonly address: string;
  readonly hostname: string;
  readonly region: string;
  readonly zone: string;
  /** The current time. Units: Unix seconds. */
  readonly nowS: number;
};

const NS_PER_SECOND = 1e9;
/** Sums of counters, by name. */
const TOPIC_SUMS = ['depth', 'memory_depth', 'backend_depth', 'message_count'] as const;
const CHANNEL_SUMS = [
  ...TOPIC_SUMS,
  'in_flight_count',
  'deferred_count',
  'requeue_count',
  'timeout_count',
  'client_count',
] as const;
const DELIVERY_SUMS = [
  'delivery_msg_count',
  'zone_local_msg_count',
  'region_local_msg_count',
  'global_msg_count',
] as const;
const NOTHING = {
  node: '',
  hostname: '',
  topic_name: '',
  depth: 0,
  memory_depth: 0,
  backend_depth: 0,
  message_count: 0,
};

/** The topics in the answer of `/stats`. */
export function topicsOf(answer: Members, node: StatsNode): TopicStats[] {
  return listOf(answer['topics']).map((given) => topicOf(given, node));
}

/** A sum before the first node is added. */
export function topicSum(name: string): TopicStats {
  const ends = { nodes: null, channels: null, paused: false, e2e_processing_latency: null };
  return { ...NOTHING, topic_name: name, ...ends };
}

/** A sum of a channel before the first node is added. */
export function channelSum(topic: string, name: string): ChannelStats {
  const names = { topic_name: topic, channel_name: name };
  const ends = { clients: null, paused: false, e2e_processing_latency: null };
  return channelWith({}, { ...NOTHING, ...names, ...ends });
}

/** Adds a node's topic. As in nsqadmin, the sums of the channels replace the channels of the first node. */
export function addTopic(sum: TopicStats, topic: TopicStats): void {
  sum.node = '*';
  addCounts(sum, topic, TOPIC_SUMS);
  for (const channel of topic.channels ?? []) {
    sum.channels ??= [];
    const known = sum.channels.find((one) => one.channel_name === channel.channel_name);
    if (known === undefined) sum.channels.push(channel);
    else addChannel(known, channel);
  }
  sum.nodes = sortedByHost([...(sum.nodes ?? []), topic]);
  addLatencies(sum, topic, '');
}

/** Adds a node's channel. */
export function addChannel(sum: ChannelStats, channel: ChannelStats): void {
  sum.node = '*';
  addCounts(sum, channel, CHANNEL_SUMS);
  sum.nodes = sortedByHost([...(sum.nodes ?? []), channel]);
  addLatencies(sum, channel, sum.channel_name);
  if ((channel.clients ?? []).length > 0) {
    sum.clients = sortedByHost([...(sum.clients ?? []), ...(channel.clients ?? [])]);
  }
}

/** By host name. */
export function sortedByHost<T extends { readonly hostname: string }>(all: readonly T[]): T[] {
  return all.toSorted((a, b) => compare(a.hostname, b.hostname));
}

/** By node, then those of the same zone first, then those of the same region. */
export function sortedByNearness(clients: readonly ClientStats[]): ClientStats[] {
  return clients.toSorted(
    (a, b) =>
      compare(a.node, b.node) ||
      distance(a) - distance(b) ||
      compare(a.topology_region ?? '', b.topology_region ?? '') ||
      compare(a.topology_zone ?? '', b.topology_zone ?? ''),
  );
}

function distance(client: ClientStats): number {
  if (client.topology_region !== client.node_topology_region) return 2;
  return client.topology_zone === client.node_topology_zone ? 0 : 1;
}

/** As Go sorts ASCII texts. */
function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function topicOf(given: Members, node: StatsNode): TopicStats {
  const name = textOf(given['topic_name']);
  const { channels } = given;
  return {
    ...countsOf(given, node, name),
    nodes: null,
    channels: Array.isArray(channels)
      ? listOf(channels).map((channel) => channelOf(channel, node, name))
      : null,
    paused: given['paused'] === true,
    e2e_processing_latency: latencyOf(given['e2e_processing_latency']),
  };
}

function channelOf(given: Members, node: StatsNode, topic: string): ChannelStats {
  return channelWith(given, {
    ...countsOf(given, node, topic),
    channel_name: textOf(given['channel_name']),
    clients: Array.isArray(given['clients'])
      ? listOf(given['clients']).map((client) => clientOf(client, node))
      : null,
    paused: given['paused'] === true,
    e2e_processing_latency: latencyOf(given['e2e_processing_latency']),
  });
}

/** In nsqadmin's order. */
function channelWith(
  given: Members,
  {
    node,
    hostname,
    topic_name,
    channel_name,
    depth,
    memory_depth,
    backend_depth,
    message_count,
    clients,
    paused,
    e2e_processing_latency,
    ...deliveries
  }: QueueStats & Pick<ChannelStats, 'channel_name' | 'clients'>,
): ChannelStats {
  return {
    node,
    hostname,
    topic_name,
    channel_name,
    depth,
    memory_depth,
    backend_depth,
    in_flight_count: numberOf(given['in_flight_count']),
    deferred_count: numberOf(given['deferred_count']),
    requeue_count: numberOf(given['requeue_count']),
    timeout_count: numberOf(given['timeout_count']),
    message_count,
    ...deliveries,
    client_count: numberOf(given['client_count']),
    nodes: null,
    clients,
    paused,
    e2e_processing_latency,
  };
}

function countsOf(
  given: Members,
  { address, hostname }: StatsNode,
  topic: string,
): Omit<QueueStats, 'paused' | 'e2e_processing_latency'> {
  const depth = numberOf(given['depth']);
  const backendDepth = numberOf(given['backend_depth']);
  return {
    node: address,
    hostname,
    topic_name: topic,
    depth,
    memory_depth: depth - backendDepth,
    backend_depth: backendDepth,
    message_count: numberOf(given['message_count']),
    ...deliveriesOf(given),
  };
}

function deliveriesOf(given: Members): Deliveries {
  const zone = numberOf(given['zone_local_msg_count']);
  const region = numberOf(given['region_local_msg_count']);
  const global = numberOf(given['global_msg_count']);
  const all = zone + region + global;
  return {
    ...(all > 0 && { delivery_msg_count: all }),
    ...(zone > 0 && { zone_local_msg_count: zone }),
    ...(region > 0 && { region_local_msg_count: region }),
    ...(global > 0 && { global_msg_count: global }),
  };
}

function clientOf(given: Members, { address, region, zone, nowS }: StatsNode): ClientStats {
  const text = (name: string): string => textOf(given[name]);
  const number = (name: string): number => numberOf(given[name]);
  const flag = (name: string): boolean => given[name] === true;
  const ownRegion = text('topology_region');
  const ownZone = text('topology_zone');
  const sinceS = number('connect_ts');
  // The type covers the fields that are read; the rest is passed on.
  const client = {
    node: address,
    remote_address: text('remote_address'),
    version: text('version'),
    client_id: text('client_id'),
    hostname: text('hostname'),
    user_agent: text('user_agent'),
    connect_ts: sinceS,
    connected: (nowS - sinceS) * NS_PER_SECOND,
    in_flight_count: number('in_flight_count'),
    ready_count: number('ready_count'),
    finish_count: number('finish_count'),
    requeue_count: number('requeue_count'),
    message_count: number('message_count'),
    sample_rate: number('sample_rate'),
    deflate: flag('deflate'),
    snappy: flag('snappy'),
    authed: flag('authed'),
    auth_identity: text('auth_identity'),
    auth_identity_url: text('auth_identity_url'),
    ...(region !== '' && { node_topology_region: region }),
    ...(zone !== '' && { node_topology_zone: zone }),
    ...(ownRegion !== '' && { topology_region: ownRegion }),
    ...(ownZone !== '' && { topology_zone: ownZone }),
    tls: flag('tls'),
    tls_cipher_suite: text('tls_cipher_suite'),
    tls_version: text('tls_version'),
    tls_negotiated_protocol: text('tls_negotiated_protocol'),
    tls_negotiated_protocol_is_mutual: flag('tls_negotiated_protocol_is_mutual'),
  };
  return client;
}

function addCounts<Name extends keyof T & string, T extends QueueStats & Record<Name, number>>(
  sum: T,
  other: T,
  names: readonly Name[],
): void {
  const counts: Record<Name, number> = sum;
  for (const name of names) counts[name] += other[name];
  for (const name of DELIVERY_SUMS) {
    if (other[name] !== undefined) sum[name] = (sum[name] ?? 0) + (other[name] ?? 0);
  }
  if (other.paused) sum.paused = true;
}

function addLatencies(sum: QueueStats, other: QueueStats, channel: string): void {
  sum.e2e_processing_latency ??= noLatency(sum.topic_name, channel);
  if (other.e2e_processing_latency !== null) {
    addLatency(sum.e2e_processing_latency, other.e2e_processing_latency);
  }
}
