/**
 * The collector's view of the things that have counters: topics, channels, the pumps that keep the counters, and
 * clients. Their classes are in higher levels and implement these interfaces.
 *
 * `counts` is the pump's last answer; the collector stores it on the topic, channel or client.
 *
 * Thread: main.
 */

import type {
  ChannelCounts,
  ConsumerCounts,
  ControlReply,
  ControlRequest,
  TopicCounts,
} from '../../shared/control.ts';
import type { ChannelPolicy, TopicPolicy } from '../../shared/topic-policy.ts';

/** A pump, which keeps counters. */
export interface CountingPump {
  request(request: ControlRequest): Promise<ControlReply>;
}

/** A channel, with the clients that consume from it. */
export interface CountedChannel {
  readonly number: number;
  readonly name: string;
  readonly isPaused: boolean;
  readonly members: ReadonlySet<{ readonly number: number }>;
  readonly policy: ChannelPolicy;
  readonly isExpiring: boolean;
  counts: ChannelCounts | null;
}

/** A topic; `isDeleted` once its pump no longer counts for it. */
export interface CountedTopic {
  readonly number: number;
  readonly name: string;
  readonly pump: CountingPump;
  readonly isPaused: boolean;
  readonly isDeleted: boolean;
  readonly isReplicated: boolean;
  readonly channels: ReadonlyMap<string, CountedChannel>;
  readonly policy: TopicPolicy;
  counts: TopicCounts | null;
}

/** All topics. */
export interface CountedTopics {
  get(name: string): CountedTopic | undefined;
  values(): Iterable<CountedTopic>;
}

/** All clients, by number. */
export interface CountedClients {
  get(number: number): CountedClient | undefined;
  values(): Iterable<CountedClient>;
}

/** Units: `connectTimestamp` in Unix seconds. */
export interface CountedClient {
  readonly number: number;
  readonly remoteAddress: string;
  readonly connectTimestamp: number;
  readonly state:
    | { readonly state: 'init' }
    | {
        readonly state: 'subscribed' | 'closing';
        readonly channel: { readonly topic: CountedTopic };
      };
  readonly settings: {
    readonly clientId: string;
    readonly hostname: string;
    readonly userAgent: string;
    readonly sampleRate: number;
    readonly topologyRegion: string;
    readonly topologyZone: string;
  };
  readonly tls: {
    readonly cipherSuite: string;
    readonly version: string;
    readonly negotiatedProtocol: string;
    readonly isMutual: boolean;
  } | null;
  readonly compression: { readonly kind: 'snappy' | 'deflate' } | null;
  readonly auth: {
    readonly hasAuthorizations: boolean;
    readonly identity: string;
    readonly identityUrl: string;
  } | null;
  /** Messages that the client has published, by topic. */
  readonly publishCounts: ReadonlyMap<string, { readonly topic: string; readonly count: number }>;
  counts: ConsumerCounts | null;
}
