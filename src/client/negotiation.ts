/**
 * What a client requests when it connects, and what the broker grants.
 *
 * Thread: any. Source: nsqd `protocolV2.IDENTIFY`.
 */

import type { CompressionCodec } from '../protocol/compression/codec.ts';
import type { ConnectionSettings } from './connection-options.ts';
import { NsqError } from './nsq-error.ts';

/** Requests of consumers only. */
export type ConsumerWishes = {
  /** Percentage of the messages to deliver; 0: all. */
  readonly sampleRate: number;
  /** When an unanswered message times out; undefined: the broker's default. Units: ms. */
  readonly msgTimeoutMs: number | undefined;
};

/** What a broker grants. */
export type Grant = {
  readonly maxRdy: number;
  /** Units: ms. */
  readonly msgTimeoutMs: number;
  /** When a message times out even if it is touched. Units: ms. */
  readonly maxMsgTimeoutMs: number;
  readonly hasTls: boolean;
  readonly compression: 'snappy' | 'deflate' | null;
  readonly deflateLevel: number;
  readonly needsAuth: boolean;
  /** The broker's version; empty if unknown. */
  readonly version: string;
};

/** Defaults of nsqd's options. */
const MAX_RDY = 2500;
const MSG_TIMEOUT_MS = 60_000;
const MAX_MSG_TIMEOUT_MS = 900_000;
const DEFLATE_LEVEL = 6;
const ANSWER_TEXT_MAX = 120;

/** The fields of IDENTIFY. */
export function identifyFields(
  settings: ConnectionSettings,
  wishes: ConsumerWishes | null,
): Record<string, unknown> {
  const { heartbeatIntervalMs, outputBufferBytes } = settings;
  return {
    client_id: settings.clientId,
    hostname: settings.hostname,
    user_agent: settings.userAgent,
    feature_negotiation: true,
    // -1 disables it
    heartbeat_interval: heartbeatIntervalMs === 0 ? -1 : heartbeatIntervalMs,
    output_buffer_size: outputBufferBytes === 0 ? -1 : outputBufferBytes,
    output_buffer_timeout: settings.outputBufferTimeoutMs,
    tls_v1: settings.tls !== null,
    snappy: settings.compression === 'snappy',
    deflate: settings.compression === 'deflate',
    deflate_level: settings.deflateLevel,
    topology_region: settings.topologyRegion,
    topology_zone: settings.topologyZone,
    sample_rate: wishes?.sampleRate,
    msg_timeout: wishes?.msgTimeoutMs,
  };
}

/** Parses the answer to IDENTIFY. Errors: throws an NsqError, PROTOCOL_ERROR. */
export function parseGrant(text: string, address: string): Grant {
  const fields = text === 'OK' ? {} : parseObject(text, address);
  const number = (name: string, byDefault: number): number => {
    const value = fields[name];
    return typeof value === 'number' && value > 0 ? value : byDefault;
  };
  const { snappy, deflate, version } = fields;
  return {
    maxRdy: number('max_rdy_count', MAX_RDY),
    msgTimeoutMs: number('msg_timeout', MSG_TIMEOUT_MS),
    maxMsgTimeoutMs: number('max_msg_timeout', MAX_MSG_TIMEOUT_MS),
    hasTls: fields['tls_v1'] === true,
    compression: snappy === true ? 'snappy' : deflate === true ? 'deflate' : null,
    deflateLevel: number('deflate_level', DEFLATE_LEVEL),
    needsAuth: fields['auth_required'] === true,
    version: typeof version === 'string' ? version : '',
  };
}

function parseObject(text: string, address: string): Record<string, unknown> {
  let cause: unknown;
  try {
    const value: unknown = JSON.parse(text);
    // The fields are validated one by one.
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch (error) {
    cause = error;
  }
  const shown = text.slice(0, ANSWER_TEXT_MAX);
  const what = `the broker ${address} answered IDENTIFY with "${shown}"`;
  throw new NsqError('PROTOCOL_ERROR', what, { address, cause });
}

/** Creates a connection's codec; `level` is for deflate. */
export type CodecMaker = (level: number) => CompressionCodec;

/**
 * Loads a compression; only programs that request it need its packages.
 *
 * Errors: rejects with an NsqError, INVALID_OPTION, if its packages are not installed.
 */
export async function loadCodec(compression: 'snappy' | 'deflate'): Promise<CodecMaker> {
  if (compression === 'deflate') {
    const { DeflateDecoder } = await import('../protocol/compression/deflate-decoder.ts');
    const { DeflateEncoder } = await import('../protocol/compression/deflate-encoder.ts');
    return (level) => ({ encoder: new DeflateEncoder(level), decoder: new DeflateDecoder() });
  }
  try {
    const { SnappyDecoder } = await import('../protocol/compression/snappy-decoder.ts');
    const { SnappyEncoder } = await import('../protocol/compression/snappy-encoder.ts');
    return () => ({ encoder: new SnappyEncoder(), decoder: new SnappyDecoder() });
  } catch (cause) {
    const what = 'option snappy: the packages snappy and @node-rs/crc32 cannot be loaded';
    throw new NsqError('INVALID_OPTION', what, { cause });
  }
}
