/**
 * What statistics are made of, as the collector sees it: topics and channels, the pumps that count for them, and
 * clients. Their owners are above; they hand themselves in.
 *
 * `counts` is the pump's last answer; the collector sets it here, beside its owner.
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

/** An owner of counters. */
export interface CountingPump {
  request(request: ControlRequest): Promise<ControlReply>;
}

/** A channel, with the clients that consume from it. */
export interface CountedChannel {
  readonly number: number;
  readonly name: string;
  readonly isPaused: boolean;
  readonly members: ReadonlySet<{ readonly number: number }>;
  counts: ChannelCounts | null;
}

/** A topic; `isDeleted` once its pump counts for it no longer. */
export interface CountedTopic {
  readonly number: number;
  readonly name: string;
  readonly pump: CountingPump;
  readonly isPaused: boolean;
  readonly isDeleted: boolean;
  readonly channels: ReadonlyMap<string, CountedChannel>;
  counts: TopicCounts | null;
}

/** All topics there are. */
export interface CountedTopics {
  get(name: string): CountedTopic | undefined;
  values(): Iterable<CountedTopic>;
}

/** All clients there are, by number. */
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
  /** Messages that it has published, by topic. */
  readonly publishCounts: ReadonlyMap<string, { readonly topic: string; readonly count: number }>;
  counts: ConsumerCounts | null;
}
