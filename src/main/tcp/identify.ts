/**
 * IDENTIFY: how a client describes itself, what it requests, and what it gets.
 *
 * Thread: main. Source: nsqd `identifyDataV2`, `client_v2.go` `Identify`.
 */

import { type GoFields, parseGoFields } from '../../daemon/go/go-fields.ts';
import { goJson } from '../../daemon/go/go-text.ts';
import { NSQD_VERSION } from '../../daemon/version.ts';
import type { Options } from '../options/options.ts';
import type { ClientSettings } from './client.ts';

/** Least values that a client may ask for. */
const HEARTBEAT_INTERVAL_MS_MIN = 1000;
const MSG_TIMEOUT_MS_MIN = 1000;
const OUTPUT_BUFFER_SIZE_MIN = 64;
const SAMPLE_RATE_MAX = 99;
/** Asks for none, where that is possible. */
const DISABLED = -1;
const DEFLATE_LEVEL_DEFAULT = 6;
/** Characters that are kept of each text in which a client describes itself. */
const TEXT_LENGTH_MAX = 1024;

const FIELDS = {
  client_id: 'string',
  hostname: 'string',
  user_agent: 'string',
  feature_negotiation: 'bool',
  heartbeat_interval: 'int',
  output_buffer_timeout: 'int',
  output_buffer_size: 'int',
  sample_rate: 'int32',
  msg_timeout: 'int',
  tls_v1: 'bool',
  snappy: 'bool',
  deflate: 'bool',
  deflate_level: 'int',
  topology_region: 'string',
  topology_zone: 'string',
} as const;

/** What a client has sent, absent fields being empty, 0 or false. */
export type IdentifyRequest = GoFields<typeof FIELDS>;

/** Reads the body. Returns undefined when it is not the JSON that nsqd accepts. */
export function parseIdentify(body: Buffer): IdentifyRequest | undefined {
  return parseGoFields(body, FIELDS);
}

/**
 * Applies what the client requests. Returns undefined, or why it is refused; the settings before the refused
 * one are then changed, but the connection ends anyway.
 */
export function applyIdentify(
  request: IdentifyRequest,
  settings: ClientSettings,
  options: Options,
): string | undefined {
  settings.clientId = keptText(request.client_id);
  settings.hostname = keptText(request.hostname);
  settings.userAgent = keptText(request.user_agent);
  settings.topologyRegion = keptText(request.topology_region);
  settings.topologyZone = keptText(request.topology_zone);
  return (
    applyHeartbeatInterval(request.heartbeat_interval, settings, options) ??
    applyOutputBufferTimeout(request.output_buffer_timeout, settings, options) ??
    applyOutputBufferSize(request.output_buffer_size, settings, options) ??
    applySampleRate(request.sample_rate, settings) ??
    applyMsgTimeout(request.msg_timeout, settings, options)
  );
}

/** What a client gets of what it asked for. */
export type Granted = {
  readonly isTls: boolean;
  readonly isSnappy: boolean;
  readonly isDeflate: boolean;
  /** Meant for deflate; said in any case. */
  readonly deflateLevel: number;
};

/** Decides what is granted. `hasTls`: whether the broker has a certificate. */
export function grantFeatures(
  request: IdentifyRequest,
  options: Options,
  hasTls: boolean,
): Granted {
  const isDeflate = request.deflate && options.deflate;
  const level =
    isDeflate && request.deflate_level > 0 ? request.deflate_level : DEFLATE_LEVEL_DEFAULT;
  return {
    isTls: request.tls_v1 && hasTls,
    isSnappy: request.snappy && options.snappy,
    isDeflate,
    deflateLevel: Math.min(level, options.maxDeflateLevel),
  };
}

/** The JSON that answers a client that negotiates features. */
export function identifyResponse(
  settings: ClientSettings,
  options: Options,
  granted: Granted,
): Buffer {
  return Buffer.from(
    goJson({
      max_rdy_count: options.maxRdyCount,
      version: NSQD_VERSION,
      max_msg_timeout: options.maxMsgTimeoutMs,
      msg_timeout: settings.msgTimeoutMs ?? options.msgTimeoutMs,
      tls_v1: granted.isTls,
      deflate: granted.isDeflate,
      deflate_level: granted.deflateLevel,
      max_deflate_level: options.maxDeflateLevel,
      snappy: granted.isSnappy,
      sample_rate: settings.sampleRate,
      auth_required: options.authHttpAddress.length > 0,
      output_buffer_size: settings.outputBufferSize,
      output_buffer_timeout: settings.outputBufferTimeoutMs,
      topology_region: options.topologyRegion,
      topology_zone: options.topologyZone,
    }),
  );
}

/** The beginning of a text. It is copied: a part of a string keeps the whole string in memory. */
function keptText(text: string): string {
  if (text.length <= TEXT_LENGTH_MAX) return text;
  return Buffer.from(text.slice(0, TEXT_LENGTH_MAX)).toString();
}

function applyHeartbeatInterval(
  asked: number,
  settings: ClientSettings,
  options: Options,
): string | undefined {
  if (asked === 0) return undefined;
  if (asked === DISABLED) {
    settings.heartbeatIntervalMs = 0;
    return undefined;
  }
  if (asked < HEARTBEAT_INTERVAL_MS_MIN || asked > options.maxHeartbeatIntervalMs) {
    return `heartbeat interval (${asked}) is invalid`;
  }
  settings.heartbeatIntervalMs = asked;
  return undefined;
}

function applyOutputBufferTimeout(
  asked: number,
  settings: ClientSettings,
  options: Options,
): string | undefined {
  if (asked === 0) return undefined;
  if (asked === DISABLED) {
    settings.outputBufferTimeoutMs = 0;
    return undefined;
  }
  if (asked < options.minOutputBufferTimeoutMs || asked > options.maxOutputBufferTimeoutMs) {
    return `output buffer timeout (${asked}) is invalid`;
  }
  settings.outputBufferTimeoutMs = asked;
  return undefined;
}

function applyOutputBufferSize(
  asked: number,
  settings: ClientSettings,
  options: Options,
): string | undefined {
  if (asked === 0) return undefined;
  if (asked === DISABLED) {
    settings.outputBufferSize = 1;
    settings.outputBufferTimeoutMs = 0;
    return undefined;
  }
  if (asked < OUTPUT_BUFFER_SIZE_MIN || asked > options.maxOutputBufferSize) {
    return `output buffer size (${asked}) is invalid`;
  }
  settings.outputBufferSize = asked;
  return undefined;
}

function applySampleRate(asked: number, settings: ClientSettings): string | undefined {
  if (asked < 0 || asked > SAMPLE_RATE_MAX) return `sample rate (${asked}) is invalid`;
  settings.sampleRate = asked;
  return undefined;
}

function applyMsgTimeout(
  asked: number,
  settings: ClientSettings,
  options: Options,
): string | undefined {
  if (asked === 0) return undefined;
  if (asked < MSG_TIMEOUT_MS_MIN || asked > options.maxMsgTimeoutMs) {
    return `msg timeout (${asked}) is invalid`;
  }
  settings.msgTimeoutMs = asked;
  return undefined;
}
