/**
 * Collects the statistics: counters from the pumps, names from the topic map, clients from their connections. It
 * collects in parts, so that many channels stall neither main nor a pump; the counters of two channels may be some
 * milliseconds apart. If a pump does not answer in time, because an earlier request waits for a disk, its last known
 * counters are shown.
 *
 * Bound: the last counters of each topic, channel and client.
 * Thread: main. Source: nsqd `GetStats`.
 */

import { nextTurn } from '../../daemon/slices.ts';
import type { Clock } from '../../shared/clock.ts';
import type { LatencyCounts } from '../../shared/control.ts';
import type { Options } from '../options/options.ts';
import { clientStatistics } from './client-statistics.ts';
import type {
  CountedChannel,
  CountedClient,
  CountedClients,
  CountedTopic,
  CountedTopics,
  CountingPump,
} from './counted.ts';
import { byPump, type Counted, inParts, noteCounts, Parts, requestFor } from './counts-part.ts';
import { channelCounts, topicCounts } from './policy-counts.ts';
import { sortedByName } from './sorted-by-name.ts';
import type {
  BrokerStats,
  ChannelStatistics,
  ClientStatistics,
  LatencyStatistics,
  StatsFilter,
  TopicStatistics,
} from './stats.ts';

/** All topics and channels, without clients. */
export const TOTALS = { topic: undefined, channel: undefined, withClients: false };
/** How long to wait for a pump's answer. Units: ms. */
const PATIENCE_MS = 1000;
/** Clients that one slice checks for producers. */
const LOOKED_AT_MAX = 4096;
const NO_LATENCY: LatencyStatistics = { count: 0, percentiles: null };

/** The options that determine which statistics exist. */
export type StatsOptions = Pick<Options, 'e2eProcessingLatencyPercentile'>;

/** Names of the policies in effect for a topic or a channel. */
export interface PolicyNames {
  namesOf(topic: string, channel: string | null): readonly string[];
}

export class StatsCollector {
  readonly #topics: CountedTopics;
  readonly #policies: PolicyNames;
  readonly #clients: CountedClients;
  /** Quantiles of the processing latency, in the order in which pumps report them. */
  readonly #percentiles: readonly number[];
  readonly #clock: Clock;
  /** Pumps whose answer is overdue and no longer awaited. */
  readonly #late = new Set<CountingPump>();

  constructor(
    topics: CountedTopics,
    clients: CountedClients,
    policies: PolicyNames,
    options: StatsOptions,
    clock: Clock,
  ) {
    this.#policies = policies;
    this.#topics = topics;
    this.#clients = clients;
    this.#percentiles = options.e2eProcessingLatencyPercentile;
    this.#clock = clock;
  }

  async collect(filter: StatsFilter): Promise<BrokerStats> {
    const only = filter.topic === undefined ? undefined : this.#topics.get(filter.topic);
    if (filter.topic !== undefined && only === undefined) {
      return { topics: null, producers: null };
    }
    const clients = new Map<number, ClientStatistics>();
    const topics = await this.#collectTopics(only, filter, clients);
    const producers = filter.withClients ? await this.#collectProducers(filter, clients) : null;
    return { topics, producers };
  }

  /** The topics that match the filter. Records clients by number. */
  async #collectTopics(
    only: CountedTopic | undefined,
    filter: StatsFilter,
    clients: Map<number, ClientStatistics>,
  ): Promise<TopicStatistics[]> {
    const topics: TopicStatistics[] = [];
    let topic: TopicStatistics | undefined;
    let channel: ChannelStatistics | undefined;
    for await (const part of this.#wanted(only, filter)) {
      await this.#count(part);
      for (const thing of part) {
        if (thing.kind === 'topic') {
          topic = this.#topicStatistics(thing.topic);
          channel = undefined;
          if (topic !== undefined) topics.push(topic);
        } else if (thing.kind === 'channel') {
          channel = topic && this.#channelStatistics(thing.topic, thing.channel, filter);
          if (channel !== undefined) topic?.channels.push(channel);
        } else {
          const client = clientStatistics(thing.client, filter.topic);
          clients.set(thing.client.number, client);
          channel?.clients?.push(client);
        }
      }
      await nextTurn();
    }
    const isWanted = ({ channels }: TopicStatistics): boolean => channels.length > 0;
    return filter.channel === undefined ? topics : topics.filter(isWanted);
  }

  /** What to show, in parts: each topic before its channels, and each channel before its clients. */
  async *#wanted(only: CountedTopic | undefined, filter: StatsFilter): AsyncIterable<Counted[]> {
    const topics = only === undefined ? await sortedByName(this.#topics.values()) : [only];
    const parts = new Parts();
    for (const topic of topics) {
      const channels = await channelsOf(topic, filter);
      if (filter.channel !== undefined && channels.length === 0) continue;
      parts.add({ kind: 'topic', topic });
      for (const channel of channels) {
        parts.add({ kind: 'channel', topic, channel });
        if (filter.withClients) this.#addClients(parts, topic, channel);
        while (parts.hasWhole) yield parts.take();
      }
      while (parts.hasWhole) yield parts.take();
    }
    if (!parts.isEmpty) yield parts.take();
  }

  #addClients(parts: Parts, topic: CountedTopic, { members }: CountedChannel): void {
    for (const { number } of members) {
      const client = this.#clients.get(number);
      if (client !== undefined) parts.add({ kind: 'client', topic, client });
    }
  }

  /** All clients that have published; those in `clients` are taken from there. */
  async #collectProducers(
    filter: StatsFilter,
    clients: ReadonlyMap<number, ClientStatistics>,
  ): Promise<ClientStatistics[] | null> {
    const producers: ClientStatistics[] = [];
    for await (const part of inParts(this.#publishing())) {
      const others: Counted[] = [];
      for (const client of part) {
        // Producers may be consumers elsewhere.
        if (clients.has(client.number) || client.state.state === 'init') continue;
        others.push({ kind: 'client', topic: client.state.channel.topic, client });
      }
      if (others.length > 0) await this.#count(others);
      for (const client of part) {
        producers.push(clients.get(client.number) ?? clientStatistics(client, filter.topic));
      }
      await nextTurn();
    }
    return producers.length === 0 ? null : producers;
  }

  async *#publishing(): AsyncIterable<CountedClient> {
    let count = 0;
    for (const client of this.#clients.values()) {
      if (client.publishCounts.size > 0) yield client;
      if (++count % LOOKED_AT_MAX === 0) await nextTurn();
    }
  }

  /** Stores each item's counters: the pump's answer, or its last one if it does not answer in time. */
  async #count(part: readonly Counted[]): Promise<void> {
    const { promise: patience, resolve } = Promise.withResolvers<void>();
    const timer = this.#clock.after(PATIENCE_MS, resolve);
    const answers = [...byPump(part)].map(([pump, things]) => this.#ask(pump, things, patience));
    await Promise.all(answers);
    timer.cancel();
  }

  async #ask(
    pump: CountingPump,
    things: readonly Counted[],
    patience: Promise<void>,
  ): Promise<void> {
    if (this.#late.has(pump)) return;
    let isAnswered = false;
    const answer = pump.request(requestFor(things)).then(({ counts }) => {
      isAnswered = true;
      this.#late.delete(pump);
      if (counts !== undefined) noteCounts(things, counts);
    });
    await Promise.race([answer, patience]);
    if (!isAnswered) this.#late.add(pump);
  }

  #topicStatistics({
    name,
    isPaused,
    isDeleted,
    isReplicated,
    policy,
    counts,
  }: CountedTopic): TopicStatistics | undefined {
    if (counts === null || isDeleted) return undefined;
    const { counters } = counts;
    const latency = this.#latencyStatistics(counts.latency);
    const policies = this.#policies.namesOf(name, null);
    const policyCounts = topicCounts(policy, counters);
    const state = { name, isPaused, isReplicated };
    return { ...counters, ...state, policyCounts, policies, latency, channels: [] };
  }

  #channelStatistics(
    topic: CountedTopic,
    { name, isPaused, isExpiring, members, policy, counts }: CountedChannel,
    { withClients }: StatsFilter,
  ): ChannelStatistics | undefined {
    if (counts === null) return undefined;
    return {
      ...counts.counters,
      name,
      isPaused,
      policyCounts: channelCounts(policy, counts.counters),
      policies: this.#policies.namesOf(topic.name, name),
      latency: this.#latencyStatistics(counts.latency),
      clientCount: members.size,
      isExpiring: isExpiring && members.size === 0,
      clients: withClients ? [] : null,
    };
  }

  #latencyStatistics(counts: LatencyCounts | null): LatencyStatistics {
    if (counts === null) return NO_LATENCY;
    const { count, values } = counts;
    const percentiles = this.#percentiles.map((quantile, i) => ({ quantile, value: values[i] }));
    return { count, percentiles };
  }
}

/** The channels of a topic that match the filter, in order. */
async function channelsOf(
  { channels }: CountedTopic,
  { channel: name }: StatsFilter,
): Promise<CountedChannel[]> {
  if (name === undefined) return sortedByName(channels.values());
  const channel = channels.get(name);
  return channel === undefined ? [] : [channel];
}
