/**
 * Puts the statistics together: counters from the pumps, names from the topic map, clients from their
 * connections. A pump that does not answer in time, because a request before it waits for a disk, is shown with the
 * counters that it gave last.
 *
 * Bound: the last counters of each topic.
 * Thread: main. Source: nsqd `GetStats`.
 */

import type { Clock } from '../../shared/clock.ts';
import type {
  ChannelStats,
  ConsumerStats,
  LatencyCounts,
  TopicStats,
} from '../../shared/control.ts';
import { hasQueueBound } from '../../shared/topic-policy.ts';
import type { Options } from '../options/options.ts';
import type {
  CountedChannel,
  CountedClient,
  CountedTopic,
  CountedTopics,
  CountingPump,
} from './counted.ts';
import type {
  BrokerStats,
  ChannelStatistics,
  ClientStatistics,
  LatencyStatistics,
  StatsFilter,
  TopicStatistics,
} from './stats.ts';

/** So many topics, channels and clients of channels are collected in one go: about a millisecond's work. */
const SLICE_WEIGHT = 256;
/** How long pumps are waited for, with all slices together. Units: ms. */
const PATIENCE_MS = 1000;
const NO_LATENCY: LatencyStatistics = { count: 0, percentiles: null };
/** Numbers of the protocol's states. */
const STATE_NUMBERS = { init: 0, subscribed: 3, closing: 4 } as const;

/** The options that decide what there is to show. */
export type StatsOptions = Pick<
  Options,
  'e2eProcessingLatencyPercentile' | 'maxDepth' | 'maxBytes'
>;

/** What is shown besides nsqd's counters. */
type Shown = {
  /** Of processing latency, as quantiles, in the order in which pumps report them. */
  readonly percentiles: readonly number[];
  /** Whether queues drop messages. */
  readonly hasDropped: boolean;
};

export class StatsCollector {
  readonly #pumps: readonly CountingPump[];
  readonly #topics: CountedTopics;
  readonly #clients: () => Iterable<CountedClient>;
  readonly #shown: Shown;
  readonly #clock: Clock;
  /** What pumps said last, by the topic's number. */
  readonly #last = new Map<number, TopicStats>();
  /** Pumps that owe an answer for which nobody waits any longer. */
  readonly #late = new Set<CountingPump>();

  constructor(
    pumps: readonly CountingPump[],
    topics: CountedTopics,
    clients: () => Iterable<CountedClient>,
    options: StatsOptions,
    clock: Clock,
  ) {
    this.#clock = clock;
    this.#shown = {
      percentiles: options.e2eProcessingLatencyPercentile,
      hasDropped: hasQueueBound(options),
    };
    this.#pumps = pumps;
    this.#topics = topics;
    this.#clients = clients;
  }

  /** Collects them in slices of a few topics each, so that main has time for others in between. */
  async collect(filter: StatsFilter): Promise<BrokerStats> {
    const patience = Promise.withResolvers<undefined>();
    const timer = this.#clock.after(PATIENCE_MS, () => patience.resolve(undefined));
    try {
      return await this.#collect(filter, patience.promise);
    } finally {
      timer.cancel();
      this.#forgetDeleted();
    }
  }

  async #collect(filter: StatsFilter, patience: Promise<undefined>): Promise<BrokerStats> {
    const only = filter.topic === undefined ? undefined : this.#topics.get(filter.topic);
    if (filter.topic !== undefined && only === undefined) return { topics: null, producers: null };
    const consumers = new Map<number, ConsumerStats>();
    const describe = (client: CountedClient): ClientStatistics =>
      clientStatistics(client, consumers.get(client.number), filter.topic);
    const clients = new Map([...this.#clients()].map((client) => [client.number, client]));
    const topics: TopicStatistics[] = [];
    const wanted = only === undefined ? sortedByName(this.#topics.values()) : [only];
    for (const slice of slices(wanted)) {
      const counters = await this.#counters(slice, filter.withClients, consumers, patience);
      for (const topic of slice) {
        const counted = counters.get(topic.number);
        if (counted === undefined) continue;
        const channels = channelsOf(topic, counted, filter, clients, describe, this.#shown);
        if (filter.channel !== undefined && channels.length === 0) continue;
        topics.push(topicStatistics(topic, counted, channels, this.#shown));
      }
    }
    if (!filter.withClients) return { topics, producers: null };
    if (only !== undefined) {
      // Producers may be consumers elsewhere.
      for (const slice of slices(consumedTopics(clients.values(), only))) {
        await this.#counters(slice, true, consumers, patience);
      }
    }
    return { topics, producers: producers(clients, describe) };
  }

  /** Counters by the topic's number; adds those of consumers by the client's. Who is not there any more has none. */
  async #counters(
    topics: readonly CountedTopic[],
    withConsumers: boolean,
    consumers: Map<number, ConsumerStats>,
    patience: Promise<undefined>,
  ): Promise<Map<number, TopicStats>> {
    const requests = this.#pumps.map((pump) => {
      const own = topics.filter((topic) => topic.pump === pump && !topic.isDeleted);
      if (own.length === 0) return undefined;
      const numbers = own.map(({ number }) => number);
      return this.#ask(pump, numbers, withConsumers, patience);
    });
    const counters = new Map<number, TopicStats>();
    for (const answer of await Promise.all(requests)) {
      for (const counted of answer ?? []) counters.set(counted.topic, counted);
    }
    for (const topic of counters.values()) {
      for (const channel of topic.channels) {
        for (const consumer of channel.consumers) consumers.set(consumer.consumer, consumer);
      }
    }
    return counters;
  }

  /** What a pump says of topics, or has said last if it does not answer in time. */
  async #ask(
    pump: CountingPump,
    topics: number[],
    withConsumers: boolean,
    patience: Promise<undefined>,
  ): Promise<TopicStats[]> {
    if (!this.#late.has(pump)) {
      const answer = pump.request({ do: 'stats', topics, withConsumers }).then((reply) => {
        this.#late.delete(pump);
        return reply.topics ?? [];
      });
      const counted = await Promise.race([answer, patience]);
      for (const topic of counted ?? []) this.#last.set(topic.topic, topic);
      if (counted !== undefined) return counted;
      this.#late.add(pump);
    }
    return topics.map((topic) => this.#last.get(topic)).filter((topic) => topic !== undefined);
  }

  #forgetDeleted(): void {
    const numbers = new Set([...this.#topics.values()].map(({ number }) => number));
    for (const number of this.#last.keys()) if (!numbers.has(number)) this.#last.delete(number);
  }
}

/** Topics in slices that are quick to collect. */
function* slices(topics: readonly CountedTopic[]): Iterable<CountedTopic[]> {
  let slice: CountedTopic[] = [];
  let weight = 0;
  for (const topic of topics) {
    slice.push(topic);
    weight++;
    for (const channel of topic.channels.values()) weight += 1 + channel.members.size;
    if (weight < SLICE_WEIGHT) continue;
    yield slice;
    slice = [];
    weight = 0;
  }
  if (slice.length > 0) yield slice;
}

/** Topics that publishers consume from, but for one. */
function consumedTopics(clients: Iterable<CountedClient>, besides: CountedTopic): CountedTopic[] {
  const topics = new Set<CountedTopic>();
  for (const { state, publishCounts } of clients) {
    if (publishCounts.size > 0 && state.state !== 'init') topics.add(state.channel.topic);
  }
  topics.delete(besides);
  return [...topics];
}

function sortedByName<T extends { readonly name: string }>(items: Iterable<T>): T[] {
  // Names are ASCII, so the order of code units is that of bytes.
  return [...items].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function channelsOf(
  topic: CountedTopic,
  counted: TopicStats,
  filter: StatsFilter,
  clients: ReadonlyMap<number, CountedClient>,
  describe: (client: CountedClient) => ClientStatistics,
  shown: Shown,
): ChannelStatistics[] {
  const byNumber = new Map(counted.channels.map((channel) => [channel.channel, channel]));
  const channels: ChannelStatistics[] = [];
  for (const channel of sortedByName(topic.channels.values())) {
    if (filter.channel !== undefined && channel.name !== filter.channel) continue;
    const counters = byNumber.get(channel.number);
    if (counters === undefined) continue;
    const members = filter.withClients ? membersOf(channel, clients).map(describe) : null;
    channels.push(channelStatistics(channel, counters, members, shown));
  }
  return channels;
}

function membersOf(
  channel: CountedChannel,
  clients: ReadonlyMap<number, CountedClient>,
): CountedClient[] {
  const members: CountedClient[] = [];
  for (const { number } of channel.members) {
    const client = clients.get(number);
    if (client !== undefined) members.push(client);
  }
  return members;
}

function topicStatistics(
  topic: CountedTopic,
  counted: TopicStats,
  channels: ChannelStatistics[],
  shown: Shown,
): TopicStatistics {
  return {
    topic_name: topic.name,
    channels,
    depth: counted.depth,
    backend_depth: counted.backendDepth,
    message_count: counted.messageCount,
    message_bytes: counted.messageBytes,
    ...droppedCount(counted, shown),
    paused: topic.isPaused,
    e2e_processing_latency: latencyStatistics(counted.latency, shown.percentiles),
  };
}

function channelStatistics(
  channel: CountedChannel,
  counted: ChannelStats,
  clients: ClientStatistics[] | null,
  shown: Shown,
): ChannelStatistics {
  return {
    channel_name: channel.name,
    depth: counted.depth,
    backend_depth: counted.backendDepth,
    in_flight_count: counted.inFlightCount,
    deferred_count: counted.deferredCount,
    message_count: counted.messageCount,
    ...takenCounts(counted),
    requeue_count: counted.requeueCount,
    timeout_count: counted.timeoutCount,
    ...droppedCount(counted, shown),
    client_count: channel.members.size,
    clients,
    paused: channel.isPaused,
    e2e_processing_latency: latencyStatistics(counted.latency, shown.percentiles),
  };
}

/** The counters that are shown only when they are not 0. */
function takenCounts({ takenCounts: { zone, region, global } }: ChannelStats): object {
  return {
    ...(zone === 0 ? {} : { zone_local_msg_count: zone }),
    ...(region === 0 ? {} : { region_local_msg_count: region }),
    ...(global === 0 ? {} : { global_msg_count: global }),
  };
}

/** Only where queues have a bound: elsewhere the statistics have nsqd's fields and no others. */
function droppedCount(
  { droppedCount: count = 0 }: TopicStats | ChannelStats,
  shown: Shown,
): object {
  return shown.hasDropped ? { dropped_count: count } : {};
}

function latencyStatistics(
  counts: LatencyCounts | null,
  percentiles: readonly number[],
): LatencyStatistics {
  if (counts === null) return NO_LATENCY;
  const values = percentiles.map((quantile, i) => ({ quantile, value: counts.values[i] }));
  return { count: counts.count, percentiles: values };
}

function producers(
  clients: ReadonlyMap<number, CountedClient>,
  describe: (client: CountedClient) => ClientStatistics,
): ClientStatistics[] | null {
  const publishing = [...clients.values()].filter((client) => client.publishCounts.size > 0);
  if (publishing.length === 0) return null;
  return publishing.map(describe);
}

/** Of one topic, where the client has published: the one that is asked for, or else its first. */
function publishCounts(
  { publishCounts: counts }: CountedClient,
  topic: string | undefined,
): object {
  const shown = topic === undefined ? [...counts.values()][0] : counts.get(topic);
  if (shown === undefined) return {};
  return { pub_counts: [{ topic: shown.topic, count: shown.count }] };
}

function clientStatistics(
  client: CountedClient,
  counted: ConsumerStats | undefined,
  topic: string | undefined,
): ClientStatistics {
  const { settings, tls } = client;
  return {
    client_id: settings.clientId,
    hostname: settings.hostname,
    version: 'V2',
    remote_address: client.remoteAddress,
    state: STATE_NUMBERS[client.state.state],
    ready_count: counted?.readyCount ?? 0,
    in_flight_count: counted?.inFlightCount ?? 0,
    message_count: counted?.messageCount ?? 0,
    finish_count: counted?.finishCount ?? 0,
    requeue_count: counted?.requeueCount ?? 0,
    connect_ts: client.connectTimestamp,
    sample_rate: settings.sampleRate,
    deflate: client.compression?.kind === 'deflate',
    snappy: client.compression?.kind === 'snappy',
    user_agent: settings.userAgent,
    ...authStatistics(client),
    topology_zone: settings.topologyZone,
    topology_region: settings.topologyRegion,
    ...publishCounts(client, topic),
    tls: tls !== null,
    tls_cipher_suite: tls?.cipherSuite ?? '',
    tls_version: tls?.version ?? '',
    tls_negotiated_protocol: tls?.negotiatedProtocol ?? '',
    tls_negotiated_protocol_is_mutual: tls?.isMutual ?? false,
  };
}

/** What is left out where nothing was authorised. */
function authStatistics({ auth }: CountedClient): object {
  if (auth === null || !auth.hasAuthorizations) return {};
  return {
    authed: true,
    ...(auth.identity === '' ? {} : { auth_identity: auth.identity }),
    ...(auth.identityUrl === '' ? {} : { auth_identity_url: auth.identityUrl }),
  };
}
