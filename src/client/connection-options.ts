/**
 * Connection options of producers and consumers.
 *
 * Thread: any.
 */

import { hostname as machineName } from 'node:os';
import type { ConnectionOptions as NodeTlsOptions } from 'node:tls';
import { invalid, type OptionChecks } from './option-checks.ts';

/**
 * Node's TLS options: `ca`, `cert`, `key`, `servername`, `rejectUnauthorized`, `minVersion`, …
 *
 * @example
 * ```ts
 * import { rootCertificates } from 'node:tls';
 * import { Producer, type TlsOptions } from 'ringmq/client';
 *
 * const tls: TlsOptions = { ca: [...rootCertificates], minVersion: 'TLSv1.3' };
 * const producer = new Producer({ nsqd: ['broker-1:4150'], tls });
 * await producer.close();
 * ```
 */
export type TlsOptions = Omit<NodeTlsOptions, 'socket' | 'host' | 'port' | 'path'>;

/**
 * Options that producers and consumers share.
 *
 * @example
 * ```ts
 * import { type ConnectionOptions, Producer } from 'ringmq/client';
 *
 * const connection: ConnectionOptions = { clientId: 'web-7', deflate: true, deflateLevel: 3 };
 * const producer = new Producer({ nsqd: ['127.0.0.1:4150'], ...connection });
 * await producer.publish('orders', { id: 7 });
 * await producer.close();
 * ```
 */
export type ConnectionOptions = {
  /** Identifies this client in the broker's statistics. Default: the first part of the host name. */
  readonly clientId?: string | undefined;
  /** The host name that is sent to the broker. Default: the machine's name. */
  readonly hostname?: string | undefined;
  /** Default: `ringmq-client/` and the package's version. */
  readonly userAgent?: string | undefined;
  /** TLS: `true`, or Node's options. The server name is the host of the address unless `servername` is set. */
  readonly tls?: boolean | TlsOptions | undefined;
  /** Compresses with snappy, which needs the packages `snappy` and `@node-rs/crc32`. Excludes deflate. */
  readonly snappy?: boolean | undefined;
  /** Compresses with deflate, which is part of Node. */
  readonly deflate?: boolean | undefined;
  /** From 1 (fast) to 9 (small). Default: 6. */
  readonly deflateLevel?: number | undefined;
  /** The secret for brokers that require AUTH. */
  readonly authSecret?: string | undefined;
  /**
   * The interval of the broker's heartbeats. A connection that is silent for twice as long is replaced. 0: no
   * heartbeats; then only the operating system detects a broker that vanishes, which takes long. Default: 30,000.
   * Units: ms.
   */
  readonly heartbeatIntervalMs?: number | undefined;
  /** Timeout for connecting, TLS, negotiation and subscription together. Default: 5,000. Units: ms. */
  readonly connectTimeoutMs?: number | undefined;
  /** How many bytes nsqd buffers before it sends; 0: none. Default: the broker's. */
  readonly outputBufferBytes?: number | undefined;
  /** How long nsqd buffers at most before it sends. Default: the broker's. Units: ms. */
  readonly outputBufferTimeoutMs?: number | undefined;
  /** The region of this client, for brokers that prefer nearby consumers. */
  readonly topologyRegion?: string | undefined;
  /** The zone of this client within its region. */
  readonly topologyZone?: string | undefined;
  /** The largest accepted frame; a connection that receives a larger one is closed. Default: 64 MiB. */
  readonly maxFrameBytes?: number | undefined;
};

/** Names of these options. */
export const CONNECTION_OPTION_NAMES: readonly (keyof ConnectionOptions)[] = [
  'clientId',
  'hostname',
  'userAgent',
  'tls',
  'snappy',
  'deflate',
  'deflateLevel',
  'authSecret',
  'heartbeatIntervalMs',
  'connectTimeoutMs',
  'outputBufferBytes',
  'outputBufferTimeoutMs',
  'topologyRegion',
  'topologyZone',
  'maxFrameBytes',
];

/** The same options, validated and complete. */
export type ConnectionSettings = {
  readonly clientId: string;
  readonly hostname: string;
  readonly userAgent: string;
  /** Null: no TLS. */
  readonly tls: TlsOptions | null;
  readonly compression: 'snappy' | 'deflate' | null;
  readonly deflateLevel: number;
  readonly authSecret: string | null;
  readonly heartbeatIntervalMs: number;
  readonly connectTimeoutMs: number;
  readonly outputBufferBytes: number | undefined;
  readonly outputBufferTimeoutMs: number | undefined;
  readonly topologyRegion: string | undefined;
  readonly topologyZone: string | undefined;
  readonly maxFrameBytes: number;
};

/** A test compares it with package.json. */
const USER_AGENT = 'ringmq-client/0.2.0';
const MINUTE_MS = 60_000;
const HEARTBEAT_MS_MIN = 1000;
const FRAME_BYTES_MIN = 1024;
const FRAME_BYTES_DEFAULT = 64 * 1024 * 1024;
const FRAME_BYTES_MAX = 2 ** 31 - 1;

/** Validates connection options. Errors: throws an NsqError, INVALID_OPTION. */
export function connectionSettings(
  checks: OptionChecks,
  { tls = false, ...options }: ConnectionOptions,
): ConnectionSettings {
  if (typeof tls !== 'boolean' && (typeof tls !== 'object' || tls === null)) {
    throw invalid('tls', 'it is neither true, false nor an object');
  }
  const snappy = checks.boolean('snappy', false);
  const deflate = checks.boolean('deflate', false);
  if (snappy && deflate) throw invalid('snappy', 'it cannot be combined with deflate');
  const hostname = checks.optionalText('hostname') ?? machineName();
  const heartbeatMs = checks.integer('heartbeatIntervalMs', 30_000, 0, 60 * MINUTE_MS);
  if (heartbeatMs > 0 && heartbeatMs < HEARTBEAT_MS_MIN) {
    throw invalid(
      'heartbeatIntervalMs',
      `${heartbeatMs} is not 0, or ${HEARTBEAT_MS_MIN} at least`,
    );
  }
  return {
    clientId: checks.optionalText('clientId') ?? hostname.split('.')[0],
    hostname,
    userAgent: checks.optionalText('userAgent') ?? USER_AGENT,
    tls: tls === true ? {} : tls === false ? null : tls,
    compression: snappy ? 'snappy' : deflate ? 'deflate' : null,
    deflateLevel: checks.integer('deflateLevel', 6, 1, 9),
    authSecret: checks.optionalText('authSecret') ?? null,
    heartbeatIntervalMs: heartbeatMs,
    connectTimeoutMs: checks.integer('connectTimeoutMs', 5000, 1, 10 * MINUTE_MS),
    outputBufferBytes: checks.optionalInteger('outputBufferBytes', 0, FRAME_BYTES_MAX),
    outputBufferTimeoutMs: checks.optionalInteger('outputBufferTimeoutMs', 1, 10 * MINUTE_MS),
    topologyRegion: options.topologyRegion,
    topologyZone: options.topologyZone,
    maxFrameBytes: checks.integer(
      'maxFrameBytes',
      FRAME_BYTES_DEFAULT,
      FRAME_BYTES_MIN,
      FRAME_BYTES_MAX,
    ),
  };
}
