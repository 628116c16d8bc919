/**
 * IDENTIFY: a client's description of itself, its requests, and what the broker grants.
 *
 * Thread: main. Source: nsqd `identifyDataV2`, `client_v2.go` `Identify`.
 */

import { type GoFields, parseGoFields } from '../../daemon/go/go-fields.ts';
import { goJson } from '../../daemon/go/go-text.ts';
import { NSQD_VERSION } from '../../daemon/version.ts';
import type { Options } from '../options/options.ts';
import type { ClientSettings } from './client.ts';

/** Minimum values that a client may request. */
const HEARTBEAT_INTERVAL_MS_MIN = 1000;
const MSG_TIMEOUT_MS_MIN = 1000;
const OUTPUT_BUFFER_SIZE_MIN = 64;
const SAMPLE_RATE_MAX = 99;
/** Disables a setting, where that is allowed. */
const DISABLED = -1;
const DEFLATE_LEVEL_DEFAULT = 6;
/** Longest part that is kept of each text in a client's description. */
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

/** The fields that a client sent; absent ones are empty, 0 or false. */
export type IdentifyRequest = GoFields<typeof FIELDS>;

/** Parses the body. Returns undefined if nsqd would not accept it. */
export function parseIdentify(body: Buffer): IdentifyRequest | undefined {
  return parseGoFields(body, FIELDS);
}

/**
 * Applies the requested settings. Returns undefined, or the reason for a refusal; settings before the refused one are
 * then changed, but the connection closes anyway.
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
    apply('heartbeat interval', request.heartbeat_interval, {
      min: HEARTBEAT_INTERVAL_MS_MIN,
      max: options.maxHeartbeatIntervalMs,
      set: (intervalMs) => {
        settings.heartbeatIntervalMs = intervalMs;
      },
      disable: () => {
        settings.heartbeatIntervalMs = 0;
      },
    }) ??
    apply('output buffer timeout', request.output_buffer_timeout, {
      min: options.minOutputBufferTimeoutMs,
      max: options.maxOutputBufferTimeoutMs,
      set: (timeoutMs) => {
        settings.outputBufferTimeoutMs = timeoutMs;
      },
      disable: () => {
        settings.outputBufferTimeoutMs = 0;
      },
    }) ??
    apply('output buffer size', request.output_buffer_size, {
      min: OUTPUT_BUFFER_SIZE_MIN,
      max: options.maxOutputBufferSize,
      set: (size) => {
        settings.outputBufferSize = size;
      },
      disable: () => {
        settings.outputBufferSize = 1;
        settings.outputBufferTimeoutMs = 0;
      },
    }) ??
    applySampleRate(request.sample_rate, settings) ??
    apply('msg timeout', request.msg_timeout, {
      min: MSG_TIMEOUT_MS_MIN,
      max: options.maxMsgTimeoutMs,
      set: (timeoutMs) => {
        settings.msgTimeoutMs = timeoutMs;
      },
    })
  );
}

/** The features that a client is granted. */
export type Granted = {
  readonly isTls: boolean;
  readonly isSnappy: boolean;
  readonly isDeflate: boolean;
  /** The level for deflate; always reported. */
  readonly deflateLevel: number;
};

/** Decides which features are granted. `hasTls`: whether the broker has a certificate. */
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

/** The JSON response for a client that negotiates features. */
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
      auth_required: options.authHttpAddress.length > 0 || options.tcpAccess,
      output_buffer_size: settings.outputBufferSize,
      output_buffer_timeout: settings.outputBufferTimeoutMs,
      topology_region: options.topologyRegion,
      topology_zone: options.topologyZone,
    }),
  );
}

/** The beginning of a text, copied, since a substring keeps the whole string in memory. */
function keptText(text: string): string {
  if (text.length <= TEXT_LENGTH_MAX) return text;
  return Buffer.from(text.slice(0, TEXT_LENGTH_MAX)).toString();
}

/** Unlike for other settings, 0 is a value here: a second IDENTIFY may end the sampling. */
function applySampleRate(asked: number, settings: ClientSettings): string | undefined {
  if (asked < 0 || asked > SAMPLE_RATE_MAX) return `sample rate (${asked}) is invalid`;
  settings.sampleRate = asked;
  return undefined;
}

/** A setting that a client may request. Units: `min` and `max` as requested. */
type Requestable = {
  readonly min: number;
  readonly max: number;
  readonly set: (value: number) => void;
  /** For a setting that DISABLED switches off. */
  readonly disable?: () => void;
};

/** Applies a requested value; 0 leaves the setting as it is. Returns what is wrong with an invalid one. */
function apply(
  name: string,
  value: number,
  { min, max, set, disable }: Requestable,
): string | undefined {
  if (value === 0) return undefined;
  if (value === DISABLED && disable !== undefined) {
    disable();
    return undefined;
  }
  if (value < min || value > max) return `${name} (${value}) is invalid`;
  set(value);
  return undefined;
}
