/**
 * The broker's statistics at one time, in no format: `/stats` and statsd write the same ones, each in its own way.
 * What a pump counts is here as it counts it, so a new counter needs a place in its type (`shared/control.ts`), where
 * the pump reads it (`pump-stats.ts`), and in the formats that are to show it.
 *
 * Thread: main. Source: nsqd `stats.go`.
 */

import type { ChannelCounters, ConsumerCounters, TopicCounters } from '../../shared/control.ts';

/** Which part of the statistics is wanted; undefined: all. */
export type StatsFilter = {
  readonly topic: string | undefined;
  readonly channel: string | undefined;
  readonly withClients: boolean;
};

/**
 * Topics sorted by name, as far as the filter lets through; producers are null unless clients are wanted and
 * there are any.
 */
export type BrokerStats = {
  /** Null when the filter names a topic that does not exist. */
  readonly topics: readonly TopicStatistics[] | null;
  readonly producers: readonly ClientStatistics[] | null;
  /** Whether queues have a bound; where they have none, nothing is dropped, and nsqd's formats do not say so. */
  readonly hasQueueBound: boolean;
};

/** Messages that were finished, and how long they took: each `quantile` of them `value` ns at most. */
export type LatencyStatistics = {
  readonly count: number;
  readonly percentiles: readonly { readonly quantile: number; readonly value: number }[] | null;
};

/** A topic with what waits in it, and its channels. */
export type TopicStatistics = TopicCounters & {
  readonly name: string;
  readonly isPaused: boolean;
  readonly latency: LatencyStatistics;
  /** Sorted by name. */
  readonly channels: ChannelStatistics[];
};

/** A channel; `clients` is null unless clients are wanted. */
export type ChannelStatistics = ChannelCounters & {
  readonly name: string;
  readonly isPaused: boolean;
  readonly latency: LatencyStatistics;
  readonly clientCount: number;
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
  /** Null where nothing was authorised. */
  readonly auth: { readonly identity: string; readonly identityUrl: string } | null;
  /** What it has published to the topic of the filter, or else to its first topic. */
  readonly published: { readonly topic: string; readonly count: number } | null;
};
