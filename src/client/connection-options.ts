/**
 * What producers and consumers say of their connections.
 *
 * Thread: any.
 */

import { hostname as machineName } from 'node:os';
import type { ConnectionOptions as NodeTlsOptions } from 'node:tls';
import { invalid, type OptionChecks } from './option-checks.ts';

/** Node's own options of TLS: `ca`, `cert`, `key`, `servername`, `rejectUnauthorized`, `minVersion`, … */
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
  /** Names this client in the broker's statistics. Default: the first part of the host name. */
  readonly clientId?: string | undefined;
  /** The host that the broker is told. Default: the machine's name. */
  readonly hostname?: string | undefined;
  /** Default: `ringmq-client/` and the package's version. */
  readonly userAgent?: string | undefined;
  /** TLS: `true`, or Node's options. The server name is the address's host unless `servername` says another. */
  readonly tls?: boolean | TlsOptions | undefined;
  /** Compresses with snappy, which needs the package `snappy`. Not together with deflate. */
  readonly snappy?: boolean | undefined;
  /** Compresses with deflate, which is a part of Node. */
  readonly deflate?: boolean | undefined;
  /** From 1 (fast) to 9 (small). Default: 6. */
  readonly deflateLevel?: number | undefined;
  /** Is sent to a broker that asks for it. */
  readonly authSecret?: string | undefined;
  /**
   * How often the broker gives a sign of life. A connection that is silent for twice as long is replaced. 0: never; a
   * broker that vanishes is noticed by the operating system then, late. Default: 30,000. Units: ms.
   */
  readonly heartbeatIntervalMs?: number | undefined;
  /** Bound of connecting, TLS, negotiation and subscription together. Default: 5,000. Units: ms. */
  readonly connectTimeoutMs?: number | undefined;
  /** How many bytes nsqd gathers before it sends; 0: none. Default: the broker's. */
  readonly outputBufferBytes?: number | undefined;
  /** How long nsqd gathers at most before it sends. Default: the broker's. Units: ms. */
  readonly outputBufferTimeoutMs?: number | undefined;
  /** Where this client is, for brokers that prefer near consumers. */
  readonly topologyRegion?: string | undefined;
  /** Where in its region this client is. */
  readonly topologyZone?: string | undefined;
  /** The largest frame that is accepted; a broker that sends a larger one is disconnected. Default: 64 MiB. */
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

/** The same, checked and complete. */
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

/** Kept in step with package.json by a test. */
const USER_AGENT = 'ringmq-client/0.2.0';
const MINUTE_MS = 60_000;
const HEARTBEAT_MS_MIN = 1000;
const FRAME_BYTES_MIN = 1024;
const FRAME_BYTES_DEFAULT = 64 * 1024 * 1024;
const FRAME_BYTES_MAX = 2 ** 31 - 1;

/** Checks the options of connections. Errors: throws an NsqError, INVALID_OPTION. */
export function connectionSettings(
  checks: OptionChecks,
  { tls = false, ...options }: ConnectionOptions,
): ConnectionSettings {
  if (typeof tls !== 'boolean' && (typeof tls !== 'object' || tls === null)) {
    throw invalid('tls', 'it is neither true, false nor an object');
  }
  const snappy = checks.boolean('snappy', false);
  const deflate = checks.boolean('deflate', false);
  if (snappy && deflate) throw invalid('snappy', 'it does not go together with deflate');
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
