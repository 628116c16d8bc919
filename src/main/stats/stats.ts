/**
 * A snapshot of the broker's statistics, independent of formats: `/stats` and statsd write the same ones, each in its
 * own format. The types of the pumps' counters are used unchanged, so a new counter touches its type
 * (`shared/control.ts`), the place where the pump reads it (`pump-stats.ts`), and the formats that show it.
 *
 * Thread: main. Source: nsqd `stats.go`.
 */

import type { ChannelCounters, ConsumerCounters, TopicCounters } from '../../shared/control.ts';
import type { PolicyCounts } from './policy-counts.ts';

/** Selects a part of the statistics; undefined selects all. */
export type StatsFilter = {
  readonly topic: string | undefined;
  readonly channel: string | undefined;
  readonly withClients: boolean;
};

/**
 * The topics that match the filter, sorted by name; producers are null unless clients are requested and there are
 * any.
 *
 * @example
 * ```ts
 * import { type BrokerStats, createBroker } from 'ringmq';
 *
 * const broker = await createBroker({ memory: true });
 * await broker.publish('orders', 'hello');
 * const stats: BrokerStats = await broker.stats();
 * console.log(stats.topics?.map(({ name, messageCount }) => [name, messageCount])); // [ [ 'orders', 1 ] ]
 * await broker.close();
 * ```
 */
export type BrokerStats = {
  /** Null when the filter names a topic that does not exist. */
  readonly topics: readonly TopicStatistics[] | null;
  readonly producers: readonly ClientStatistics[] | null;
};

/** The number of finished messages and their latency: the fraction `quantile` of them took at most `value` ns. */
export type LatencyStatistics = {
  readonly count: number;
  readonly percentiles: readonly { readonly quantile: number; readonly value: number }[] | null;
};

/** A topic and its channels. */
export type TopicStatistics = TopicCounters & {
  readonly name: string;
  readonly isPaused: boolean;
  /** Whether a store keeps it for all brokers, whose figures these are then. */
  readonly isReplicated: boolean;
  readonly policyCounts: PolicyCounts;
  /** Names of the policies that are in effect for it. */
  readonly policies: readonly string[];
  readonly latency: LatencyStatistics;
  /** Sorted by name. */
  readonly channels: ChannelStatistics[];
};

/** A channel; `clients` is null unless clients are requested. */
export type ChannelStatistics = ChannelCounters & {
  readonly name: string;
  readonly isPaused: boolean;
  readonly policyCounts: PolicyCounts;
  /** Names of the policies that are in effect for it. */
  readonly policies: readonly string[];
  readonly latency: LatencyStatistics;
  readonly clientCount: number;
  /** Whether it is about to be deleted because it has had no consumer for long. */
  readonly isExpiring: boolean;
  readonly clients: ClientStatistics[] | null;
};

/** A connection. Units: `connectTimestamp` in Unix seconds. */
export type ClientStatistics = ConsumerCounters & {
  readonly clientId: string;
  readonly hostname: string;
  readonly userAgent: string;
  readonly remoteAddress: string;
  readonly state: 'init' | 'subscribed' | 'closing';
  readonly connectTimestamp: number;
  readonly sampleRate: number;
  readonly topologyRegion: string;
  readonly topologyZone: string;
  readonly compression: 'snappy' | 'deflate' | null;
  /** Null without TLS. */
  readonly tls: {
    readonly cipherSuite: string;
    readonly version: string;
    readonly negotiatedProtocol: string;
    readonly isMutual: boolean;
  } | null;
  /** Null if the client has no authorization. */
  readonly auth: { readonly identity: string; readonly identityUrl: string } | null;
  /** What it has published to the topic of the filter, or without a filter to its first topic. */
  readonly published: { readonly topic: string; readonly count: number } | null;
};
