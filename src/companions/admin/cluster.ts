/**
 * All nodes as one: queries nsqlookupds, or the nodes in the options, and changes topics and channels on all of them.
 *
 * Thread: main.
 * Source: nsq `clusterinfo.ClusterInfo`.
 */

import { parseJson } from '../../daemon/go/json.ts';
import { splitHostPort } from '../../daemon/host-port.ts';
import { InvalidValue } from '../../daemon/options/invalid-value.ts';
import type { Clock } from '../../shared/clock.ts';
import { queryEscape } from '../query-escape.ts';
import {
  httpAddress,
  listedProducer,
  mergeListed,
  ownProducer,
  type Producer,
  topicNamesOf,
} from './producers.ts';
import {
  addChannel,
  type ChannelStats,
  channelSum,
  type StatsNode,
  sortedByHost,
  type TopicStats,
  topicsOf,
} from './queue-stats.ts';
import { failureOf, type Gathered, type Upstream, UpstreamError } from './upstream.ts';
import { listOf, type Members, membersOf, textOf, textsOf } from './upstream-values.ts';

/** Where nodes are found. An empty list means none. */
type ClusterAddresses = {
  readonly lookupd: readonly string[];
  readonly nsqd: readonly string[];
};

/** Which statistics to fetch: all, or those of a topic or channel. */
type StatsQuestion = {
  readonly topic?: string;
  readonly channel?: string;
  readonly withClients: boolean;
};

/** Of all nodes. `channels` by name, with the topic's in front unless one topic was asked for. */
type ClusterStats = {
  readonly topics: readonly TopicStats[];
  readonly channels: ReadonlyMap<string, ChannelStats>;
};

/** The dependencies. */
type ClusterSetup = {
  readonly upstream: Upstream;
  readonly clock: Clock;
  /** They may change. */
  readonly addresses: () => ClusterAddresses;
};

const NS_PER_SECOND = 1_000_000_000n;
/** Topics whose producers are queried at the same time. */
const ASKED_TOGETHER = 16;

export class Cluster {
  readonly #upstream: Upstream;
  readonly #clock: Clock;
  readonly #addresses: () => ClusterAddresses;

  constructor({ upstream, clock, addresses }: ClusterSetup) {
    this.#upstream = upstream;
    this.#clock = clock;
    this.#addresses = addresses;
  }

  /** Addresses of nsqlookupds. */
  get lookupds(): readonly string[] {
    return this.#addresses().lookupd;
  }

  /** The names of all topics. Errors: this and the following reject with `UpstreamError`. */
  async topics(): Promise<Gathered<readonly string[]>> {
    const { lookupd, nsqd } = this.#addresses();
    const { value, errors } =
      lookupd.length > 0
        ? await this.#lists(lookupd, '/topics', 'topics')
        : await this.#upstream.ask('nsqd', nsqd, async (address) =>
            topicNamesOf(await this.#get('nsqd', `http://${address}/stats?format=json`)),
          );
    return { value: sortedSet(value.flat()), errors };
  }

  /** The topics that nsqlookupds know without a node that has them, with their channels. */
  async inactiveTopics(
    topics: readonly string[],
  ): Promise<Record<string, readonly string[] | null>> {
    const { lookupd } = this.#addresses();
    const inactive: Record<string, readonly string[] | null> = {};
    if (lookupd.length === 0) return inactive;
    const look = async (topic: string): Promise<void> => {
      const producers = await valueOr(this.#lookup(topic, lookupd), []);
      if (producers.length > 0) return;
      const query = `/channels?topic=${queryEscape(topic)}`;
      const channels = await valueOr(this.#lists(lookupd, query, 'channels'), []);
      const names = sortedSet(channels.flat());
      inactive[topic] = names.length === 0 ? null : names;
    };
    for (let at = 0; at < topics.length; at += ASKED_TOGETHER) {
      await Promise.all(topics.slice(at, at + ASKED_TOGETHER).map(look));
    }
    return inactive;
  }

  /** All nodes. */
  async producers(): Promise<Gathered<readonly Producer[]>> {
    const { lookupd, nsqd } = this.#addresses();
    if (lookupd.length === 0) return this.ownProducers(nsqd);
    return this.#listed(lookupd, (url) => this.#get('nsqlookupd', url));
  }

  /** All nodes, for polls: those of the options are there whether they answer or not. */
  async members(): Promise<Gathered<readonly Producer[]>> {
    const { lookupd, nsqd } = this.#addresses();
    if (lookupd.length > 0) return this.#listed(lookupd, (url) => this.#poll('nsqlookupd', url));
    const own = nsqd.map(async (address) => {
      const info = await this.#poll('nsqd', `http://${address}/info`).catch((error: unknown) => {
        // The poll of its statistics reports why.
        failureOf(error);
        return {};
      });
      return ownProducer({ ...info, ...missingFacts(info, address) }, []);
    });
    return { value: await Promise.all(own), errors: [] };
  }

  /** These nodes, as they describe themselves. */
  ownProducers(addresses: readonly string[]): Promise<Gathered<readonly Producer[]>> {
    return this.#upstream.ask('nsqd', addresses, async (address) =>
      this.#ownProducer(address, await this.#nodeStats(address)),
    );
  }

  #nodeStats(address: string): Promise<Members> {
    return this.#get('nsqd', `http://${address}/stats?format=json&include_clients=false`);
  }

  async #ownProducer(address: string, stats: Members): Promise<Producer> {
    return ownProducer(await this.#get('nsqd', `http://${address}/info`), topicNamesOf(stats));
  }

  /** The nodes that have a topic. */
  async topicProducers(topic: string): Promise<Gathered<readonly Producer[]>> {
    const { lookupd, nsqd } = this.#addresses();
    if (lookupd.length > 0) return this.#lookup(topic, lookupd);
    const { value, errors } = await this.#upstream.ask('nsqd', nsqd, async (address) => {
      const query = `/stats?format=json&topic=${queryEscape(topic)}&include_clients=false`;
      const names = topicNamesOf(await this.#get('nsqd', `http://${address}${query}`));
      if (!names.includes(topic)) return [];
      const info = await this.#get('nsqd', `http://${address}/info`);
      return [ownProducer({ ...info, ...missingFacts(info, address) }, names)];
    });
    return { value: value.flat(), errors };
  }

  /**
   * The nodes that have a topic, or one of its channels. A node that does not tell its channels is one of them, so that
   * work there fails and is reported. If none has the channel, these are the nodes of the topic, which say so.
   */
  async queueProducers(topic: string, channel: string): Promise<Gathered<readonly Producer[]>> {
    const { value, errors } = await this.topicProducers(topic);
    if (channel === '') return { value, errors };
    const query = `topic=${queryEscape(topic)}&channel=${queryEscape(channel)}`;
    const asked = value.map(async (producer) => {
      const url = `http://${httpAddress(producer)}/stats?format=json&${query}&include_clients=false`;
      try {
        const [found] = listOf((await this.#get('nsqd', url))['topics']);
        const channels = listOf(found?.['channels']);
        return channels.some((one) => textOf(one['channel_name']) === channel);
      } catch (error) {
        failureOf(error);
        return true;
      }
    });
    const has = await Promise.all(asked);
    const nodes = value.filter((_, at) => has[at]);
    return { value: nodes.length === 0 ? value : nodes, errors };
  }

  /** The statistics of these nodes. */
  async stats(
    producers: readonly Producer[],
    { topic = '', channel = '', withClients }: StatsQuestion,
  ): Promise<Gathered<ClusterStats>> {
    const names = topic === '' ? '' : `&topic=${queryEscape(topic)}`;
    const ofChannel = channel === '' ? '' : `&channel=${queryEscape(channel)}`;
    const query = `?format=json${names}${ofChannel}${withClients ? '' : '&include_clients=false'}`;
    const { value, errors } = await this.#upstream.ask('nsqd', producers, async (producer) => {
      const address = httpAddress(producer);
      const answer = await this.#get('nsqd', `http://${address}/stats${query}`);
      const all = topicsOf(answer, this.#statsNode(producer, address));
      return topic === '' ? all : all.filter(({ topic_name }) => topic_name === topic);
    });
    const topics = value.flat();
    const channels = new Map<string, ChannelStats>();
    for (const stats of topics) addChannels(channels, stats, topic === '');
    return { value: { topics: sortedByHost(topics), channels }, errors };
  }

  /** Registers a topic at all nsqlookupds; creates a channel also on the nodes of the topic. */
  async create(topic: string, channel: string): Promise<readonly string[]> {
    const { lookupd } = this.#addresses();
    const ofTopic = `topic=${queryEscape(topic)}`;
    const errors = await this.#upstream.postAll('nsqlookupd', lookupd, `/topic/create?${ofTopic}`);
    if (channel === '') return errors;
    const path = `/channel/create?${ofTopic}&channel=${queryEscape(channel)}`;
    errors.push(...(await this.#upstream.postAll('nsqlookupd', lookupd, path)));
    const producers = await this.#lookup(topic, lookupd);
    return [...errors, ...producers.errors, ...(await this.#postNodes(producers.value, path))];
  }

  /** Deletes a topic, or one of its channels, everywhere. */
  async delete(topic: string, channel: string): Promise<readonly string[]> {
    // Afterwards nsqlookupds no longer know them.
    const producers = await this.queueProducers(topic, channel);
    const path = pathOf('delete', topic, channel);
    const { lookupd } = this.#addresses();
    const errors = await this.#upstream.postAll('nsqlookupd', lookupd, path);
    return [...producers.errors, ...errors, ...(await this.#postNodes(producers.value, path))];
  }

  /** Changes a topic, or one of its channels, on all nodes that have it. */
  async act(
    action: 'pause' | 'unpause' | 'empty',
    topic: string,
    channel: string,
  ): Promise<readonly string[]> {
    const { value, errors } = await this.queueProducers(topic, channel);
    return [...errors, ...(await this.#postNodes(value, pathOf(action, topic, channel)))];
  }

  /**
   * Hides a node of a topic from consumers, and deletes the topic there. A replicated topic is not deleted: it would be
   * deleted at all nodes.
   */
  async tombstone(topic: string, node: string): Promise<readonly string[]> {
    const ofTopic = `topic=${queryEscape(topic)}`;
    const errors = await this.#upstream.postAll(
      'nsqlookupd',
      this.#addresses().lookupd,
      `/topic/tombstone?${ofTopic}&node=${queryEscape(node)}`,
    );
    const producers = await this.#upstream.ask('nsqd', [node], async (address) => {
      const stats = await this.#nodeStats(address);
      const isReplicated = listOf(stats['topics']).some(
        ({ topic_name: name, replicated }) => name === topic && replicated === true,
      );
      return isReplicated ? [] : [await this.#ownProducer(address, stats)];
    });
    const deleted = await this.#postNodes(producers.value.flat(), `/topic/delete?${ofTopic}`);
    return [...errors, ...producers.errors, ...deleted];
  }

  async #get(kind: 'nsqd' | 'nsqlookupd', url: string): Promise<Members> {
    return membersOf(await this.#upstream.get(kind, url));
  }

  async #poll(kind: 'nsqd' | 'nsqlookupd', url: string): Promise<Members> {
    return membersOf(parseJson((await this.#upstream.poll(kind, url)).toString()));
  }

  /** The nodes that nsqlookupds list. */
  async #listed(
    lookupd: readonly string[],
    get: (url: string) => Promise<Members>,
  ): Promise<Gathered<readonly Producer[]>> {
    const { value, errors } = await this.#upstream.ask('nsqlookupd', lookupd, async (address) => {
      const answer = await get(`http://${address}/nodes`);
      return { address, producers: listOf(answer['producers']).map(listedProducer) };
    });
    return { value: mergeListed(value), errors };
  }

  /** Lists of names in the answers of nsqlookupds. */
  #lists(
    lookupd: readonly string[],
    path: string,
    member: string,
  ): Promise<Gathered<readonly (readonly string[])[]>> {
    return this.#upstream.ask('nsqlookupd', lookupd, async (address) =>
      textsOf((await this.#get('nsqlookupd', `http://${address}${path}`))[member]),
    );
  }

  async #lookup(topic: string, lookupd: readonly string[]): Promise<Gathered<readonly Producer[]>> {
    const path = `/lookup?topic=${queryEscape(topic)}`;
    const { value, errors } = await this.#upstream.ask('nsqlookupd', lookupd, async (address) => {
      const answer = await this.#get('nsqlookupd', `http://${address}${path}`);
      return listOf(answer['producers']).map(listedProducer);
    });
    const byAddress = new Map<string, Producer>();
    for (const producer of value.flat()) {
      const address = httpAddress(producer);
      if (!byAddress.has(address)) byAddress.set(address, producer);
    }
    return { value: [...byAddress.values()], errors };
  }

  #postNodes(producers: readonly Producer[], path: string): Promise<string[]> {
    return this.#upstream.postAll('nsqd', producers.map(httpAddress), path);
  }

  #statsNode(producer: Producer, address: string): StatsNode {
    return {
      address,
      hostname: producer.hostname,
      region: producer.topology_region ?? '',
      zone: producer.topology_zone ?? '',
      nowS: Number(this.#clock.unixNs() / NS_PER_SECOND),
    };
  }
}

function pathOf(action: string, topic: string, channel: string): string {
  const ofTopic = `topic=${queryEscape(topic)}`;
  if (channel === '') return `/topic/${action}?${ofTopic}`;
  return `/channel/${action}?${ofTopic}&channel=${queryEscape(channel)}`;
}

function addChannels(
  channels: Map<string, ChannelStats>,
  { topic_name: topic, channels: own }: TopicStats,
  isOfAll: boolean,
): void {
  for (const channel of own ?? []) {
    const { channel_name: name } = channel;
    const key = isOfAll ? `${topic}:${name}` : name;
    const sum = channels.get(key) ?? channelSum(topic, name);
    channels.set(key, sum);
    addChannel(sum, channel);
  }
}

/** What an old nsqd does not report, derived from the address of the query. */
function missingFacts(info: Members, address: string): Members {
  const parts = splitHostPort(address);
  if (parts instanceof InvalidValue) return {};
  const { host, port } = parts;
  return {
    ...(textOf(info['hostname']) === '' && { hostname: host }),
    ...(textOf(info['broadcast_address']) === '' && { broadcast_address: host, http_port: port }),
  };
}

async function valueOr<T>(asked: Promise<Gathered<T>>, otherwise: T): Promise<T> {
  try {
    return (await asked).value;
  } catch (error) {
    if (error instanceof UpstreamError) return otherwise;
    throw error;
  }
}

function sortedSet(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}
