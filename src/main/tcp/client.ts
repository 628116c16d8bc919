/**
 * The broker's view of a TCP client: its identity, settings, state and counters.
 *
 * Thread: main. Source: nsqd `client_v2.go`.
 */

import { clientAddress } from '../../daemon/remote-host.ts';
import type { TlsFacts } from '../../daemon/tls/tls-facts.ts';
import type { ConsumerCounts } from '../../shared/control.ts';
import type { AuthState } from '../auth/auth-state.ts';
import type { Options } from '../options/options.ts';
import type { ChannelHandle } from '../topics/topic-map.ts';

const OUTPUT_BUFFER_SIZE_DEFAULT = 16384;
/** Default time after which a silent client is disconnected; the heartbeat interval is half of it. */
const CLIENT_TIMEOUT_MS = 60_000;
/** Most topics whose publishes are counted for a client. */
const PUBLISH_COUNTS_MAX = 1024;

/** Protocol state; FIN, REQ, TOUCH go to the channel in both later states. */
export type ClientState =
  | { readonly state: 'init' }
  | { readonly state: 'subscribed'; readonly channel: ChannelHandle }
  | { readonly state: 'closing'; readonly channel: ChannelHandle };

/** The settings that a client has negotiated. Times in ms. */
export type ClientSettings = {
  clientId: string;
  hostname: string;
  userAgent: string;
  topologyRegion: string;
  topologyZone: string;
  /** 0: no heartbeats and no deadlines. */
  heartbeatIntervalMs: number;
  outputBufferSize: number;
  /** 0: no flushes by time. */
  outputBufferTimeoutMs: number;
  sampleRate: number;
  /** Null if it has not requested one: then the channel's applies. */
  msgTimeoutMs: number | null;
};

/** The settings that a channel uses. */
export type DeliverySettings = Pick<
  ClientSettings,
  'msgTimeoutMs' | 'sampleRate' | 'topologyRegion' | 'topologyZone'
>;

/** Messages of a topic that a client has published. */
export type PublishCount = { readonly topic: string; count: number };

/** A client's compression. Units: `level` from 1 to 9. */
export type Compression =
  | { readonly kind: 'snappy' }
  | { readonly kind: 'deflate'; readonly level: number };

export class Client {
  /** Unique since the start of the broker; pumps identify a consumer by it. */
  readonly number: number;
  /** `ip:port`, IPv6 in brackets, or `@` for a unix socket. */
  readonly remoteAddress: string;
  /** Its address without the port; empty for a unix socket. */
  readonly remoteIp: string;
  /** Unix time in seconds. */
  readonly connectTimestamp: number;
  readonly settings: ClientSettings;
  state: ClientState = { state: 'init' };
  /** The delivery settings of the first IDENTIFY, which later ones do not change; null before it. */
  delivery: DeliverySettings | null = null;
  /** Null without TLS. */
  tls: TlsFacts | null = null;
  /** Null without compression. */
  compression: Compression | null = null;
  /** Null without auth servers. */
  readonly auth: AuthState | null;
  /** The last counters from its pump, for the statistics; null unless it consumes. */
  counts: ConsumerCounts | null = null;

  readonly #publishCounts = new Map<string, PublishCount>();
  /**
   * Its topics in the order of their first publish, as a ring: finding the first key of a map would pass over all
   * deleted ones.
   */
  readonly #publishOrder: string[] = [];
  #oldestPublish = 0;
  #lastPublish: PublishCount = { topic: '', count: 0 };

  constructor(
    number: number,
    remoteIp: string,
    remotePort: number | undefined,
    connectTimestamp: number,
    settings: ClientSettings,
    auth: AuthState | null,
  ) {
    this.number = number;
    this.remoteIp = remoteIp;
    this.remoteAddress = clientAddress(remoteIp, remotePort);
    this.connectTimestamp = connectTimestamp;
    this.settings = settings;
    this.auth = auth;
  }

  /** Whether the client has not identified itself: by AUTH if there are auth servers, otherwise by IDENTIFY. */
  get isGuest(): boolean {
    return this.auth === null ? this.delivery === null : !this.auth.hasAuthorizations;
  }

  /**
   * By topic; empty for a client that has published nothing. Beyond PUBLISH_COUNTS_MAX the oldest topic is dropped.
   */
  get publishCounts(): ReadonlyMap<string, PublishCount> {
    return this.#publishCounts;
  }

  countPublish(topic: string, count: number): void {
    if (this.#lastPublish.topic !== topic) this.#lastPublish = this.#publishCount(topic);
    this.#lastPublish.count += count;
  }

  #publishCount(topic: string): PublishCount {
    const existing = this.#publishCounts.get(topic);
    if (existing !== undefined) return existing;
    const { length } = this.#publishOrder;
    if (length === PUBLISH_COUNTS_MAX) {
      this.#publishCounts.delete(this.#publishOrder[this.#oldestPublish]);
      this.#publishOrder[this.#oldestPublish] = topic;
      this.#oldestPublish = (this.#oldestPublish + 1) % length;
    } else this.#publishOrder.push(topic);
    const added = { topic, count: 0 };
    this.#publishCounts.set(topic, added);
    return added;
  }
}

/** The settings of a client before IDENTIFY. `host`: its address; empty for a unix socket. */
export function initialSettings(host: string, options: Options): ClientSettings {
  return {
    clientId: host,
    hostname: host,
    userAgent: '',
    topologyRegion: '',
    topologyZone: '',
    heartbeatIntervalMs: CLIENT_TIMEOUT_MS / 2,
    outputBufferSize: OUTPUT_BUFFER_SIZE_DEFAULT,
    outputBufferTimeoutMs: options.outputBufferTimeoutMs,
    sampleRate: 0,
    msgTimeoutMs: null,
  };
}

/** Numbers for clients, by which pumps know consumers: each is given once, whatever kind of client gets it. */
export class ClientNumbers {
  #last = 0;

  next(): number {
    this.#last++;
    return this.#last;
  }
}
