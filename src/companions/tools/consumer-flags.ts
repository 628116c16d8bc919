/**
 * The flags of tools that consume: addresses, and go-nsq's options as options of our consumer.
 *
 * Thread: any.
 * Source: go-nsq `Config`, `ConfigFlag`. Differs in rejecting an unknown option, which go-nsq's tools ignore, and in
 * `max_attempts`, which is unlimited by default: go-nsq drops a message after 5 attempts.
 */

import type { ConnectionOptions, ConsumerOptions, TlsOptions } from '../../client/client.ts';
import { CONNECTION_OPTION_NAMES } from '../../client/connection-options.ts';
import { NS_PER_MS, parseDuration } from '../../daemon/go/go-duration.ts';
import { InvalidValue } from '../../daemon/options/invalid-value.ts';
import { atLeast } from '../../daemon/options/option-checks.ts';
import { integer, texts } from '../../daemon/options/option-kinds.ts';
import { option } from '../../daemon/options/option-table.ts';
import { errorText } from '../../shared/error-text.ts';
import { readGivenFileSync } from '../../shared/given-file.ts';
import { Fatal } from './tool.ts';

/** Options of go-nsq as `KEY,VALUE`. An invalid one is an invalid flag. */
const goOptionTexts: typeof texts = {
  ...texts,
  parseFlag: (given, earlier) => mistakeIn(given) ?? texts.parseFlag(given, earlier),
  parseConfig: (value) => {
    // A single text has a comma of its own.
    const list = texts.parseConfig(typeof value === 'string' ? [value] : value);
    if (list instanceof InvalidValue) return list;
    return list.map(mistakeIn).find((mistake) => mistake !== undefined) ?? list;
  },
};

/** Where messages come from. */
export const SOURCE_TABLE = {
  nsqdAddresses: option(
    texts,
    'Source',
    'nsqd-tcp-address',
    [],
    'nsqd TCP address (may be given multiple times)',
  ),
  lookupdAddresses: option(
    texts,
    'Source',
    'lookupd-http-address',
    [],
    'lookupd HTTP address (may be given multiple times)',
  ),
  consumerOpts: option(
    goOptionTexts,
    'Source',
    'consumer-opt',
    [],
    'option of go-nsq as KEY,VALUE (may be given multiple times): max_attempts, msg_timeout, ' +
      'tls_v1, tls_root_ca_file, tls_cert, tls_key, deflate, snappy, auth_secret, sample_rate, …',
  ),
};

/** How many messages may be unanswered. */
export const MAX_IN_FLIGHT = option(
  integer,
  'Source',
  'max-in-flight',
  200,
  'max number of messages to allow in flight',
  atLeast(1),
);

/** Options of go-nsq's producer. */
export const PRODUCER_OPTS = option(
  goOptionTexts,
  'Destination',
  'producer-opt',
  [],
  'option of go-nsq as KEY,VALUE (may be given multiple times): tls_v1, tls_root_ca_file, ' +
    'tls_cert, tls_key, deflate, snappy, auth_secret, …',
);

/** The values of that table. */
export type SourceValues = {
  readonly nsqdAddresses: readonly string[];
  readonly lookupdAddresses: readonly string[];
  readonly consumerOpts: readonly string[];
};

/** Client options that come from flags. */
type ClientOptions = Partial<Omit<ConsumerOptions, 'topic' | 'channel' | 'onDiscard' | 'codec'>>;

/** The options of consumers. Errors: throws a `Fatal`. */
export function sourceOptions(values: SourceValues): ClientOptions {
  const { nsqdAddresses: nsqd, lookupdAddresses: lookupd } = values;
  if (nsqd.length === 0 && lookupd.length === 0) {
    throw new Fatal('--nsqd-tcp-address or --lookupd-http-address required');
  }
  if (nsqd.length > 0 && lookupd.length > 0) {
    throw new Fatal('use --nsqd-tcp-address or --lookupd-http-address not both');
  }
  return { ...goOptions(values.consumerOpts), nsqd, lookupd };
}

/** Producer options from such texts. Consumer options have no effect, as in go-nsq. */
export function producerOptions(given: readonly string[]): ConnectionOptions {
  const options = Object.entries(goOptions(given));
  return Object.fromEntries(options.filter(([name]) => CONNECTION_NAMES.includes(name)));
}

/** Maps an option of go-nsq to one of our client, and parses its text. */
type Reader = (text: string) => Partial<ClientOptions>;

const MS: ReadonlyMap<string, keyof ClientOptions> = new Map([
  ['dial_timeout', 'connectTimeoutMs'],
  ['lookupd_poll_interval', 'lookupdPollIntervalMs'],
  ['lookupd_poll_timeout', 'lookupdTimeoutMs'],
  ['max_requeue_delay', 'maxRequeueDelayMs'],
  ['default_requeue_delay', 'requeueDelayMs'],
  ['backoff_multiplier', 'backoffMs'],
  ['max_backoff_duration', 'maxBackoffMs'],
  ['heartbeat_interval', 'heartbeatIntervalMs'],
  ['output_buffer_timeout', 'outputBufferTimeoutMs'],
  ['msg_timeout', 'msgTimeoutMs'],
] as const);
const NUMBERS: ReadonlyMap<string, keyof ClientOptions> = new Map([
  ['lookupd_poll_jitter', 'lookupdPollJitter'],
  ['max_attempts', 'maxAttempts'],
  ['sample_rate', 'sampleRate'],
  ['deflate_level', 'deflateLevel'],
  ['output_buffer_size', 'outputBufferBytes'],
] as const);
const SWITCHES: ReadonlyMap<string, keyof ClientOptions> = new Map([
  ['deflate', 'deflate'],
  ['snappy', 'snappy'],
  // Despite its name, true sends the secret to lookupd.
  ['skip_lookupd_authorization', 'lookupdAuthorization'],
] as const);
const TEXTS: ReadonlyMap<string, keyof ClientOptions> = new Map([
  ['client_id', 'clientId'],
  ['hostname', 'hostname'],
  ['user_agent', 'userAgent'],
  ['auth_secret', 'authSecret'],
] as const);
/** Options that our client decides by itself, or that a flag of the tool sets. */
const WITHOUT_EFFECT = [
  'read_timeout',
  'write_timeout',
  'low_rdy_idle_timeout',
  'low_rdy_timeout',
  'rdy_redistribute_interval',
  'backoff_strategy',
  'max_in_flight',
];
const CONNECTION_NAMES: readonly string[] = CONNECTION_OPTION_NAMES;
const TLS_VERSIONS: Readonly<Record<string, TlsOptions>> = {
  'ssl3.0': {},
  'tls1.0': { minVersion: 'TLSv1' },
  'tls1.1': { minVersion: 'TLSv1.1' },
  'tls1.2': { minVersion: 'TLSv1.2' },
  'tls1.3': { minVersion: 'TLSv1.3' },
};
const TLS_READERS: Readonly<Record<string, (text: string) => TlsOptions>> = {
  tls_root_ca_file: (file) => ({ ca: readGivenFileSync(file) }),
  tls_cert: (file) => ({ cert: readGivenFileSync(file) }),
  tls_key: (file) => ({ key: readGivenFileSync(file) }),
  tls_insecure_skip_verify: (text) => ({ rejectUnauthorized: !parseSwitch(text) }),
  tls_min_version: (text) => {
    const version = TLS_VERSIONS[text.toLowerCase()];
    if (version === undefined) throw new Error('it is not a version such as tls1.2');
    return version;
  },
};

/** Client options from `KEY,VALUE` texts; a key alone means true. Errors: throws an `Error` for an invalid one. */
export function goOptions(given: readonly string[]): ClientOptions & ConnectionOptions {
  let options: ClientOptions = {};
  let tls: TlsOptions | undefined;
  let isTls = false;
  for (const pair of given) {
    const comma = pair.indexOf(',');
    const key = (comma === -1 ? pair : pair.slice(0, comma)).replaceAll('-', '_');
    const value = comma === -1 ? 'true' : pair.slice(comma + 1);
    if (key === 'tls_v1') isTls = parseSwitch(value);
    else if (Object.hasOwn(TLS_READERS, key)) tls = { ...tls, ...TLS_READERS[key](value) };
    else options = { ...options, ...readerOf(key)(value) };
  }
  return { ...options, ...(isTls && { tls: tls ?? true }) };
}

function mistakeIn(pair: string): InvalidValue | undefined {
  try {
    goOptions([pair]);
    return undefined;
  } catch (error) {
    return new InvalidValue(errorText(error));
  }
}

function readerOf(key: string): Reader {
  const ms = MS.get(key);
  if (ms !== undefined) return (text) => ({ [ms]: parseMs(text) });
  const number = NUMBERS.get(key);
  if (number !== undefined) return (text) => ({ [number]: parseNumber(text) });
  const isSwitch = SWITCHES.get(key);
  if (isSwitch !== undefined) return (text) => ({ [isSwitch]: parseSwitch(text) });
  const name = TEXTS.get(key);
  if (name !== undefined) return (text) => ({ [name]: text });
  if (WITHOUT_EFFECT.includes(key)) return () => ({});
  throw new Error(`invalid option ${key}`);
}

/** A number alone counts milliseconds. */
function parseMs(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  const ns = parseDuration(text);
  if (ns instanceof InvalidValue) throw new Error(ns.why);
  return ns / NS_PER_MS;
}

function parseNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new Error('it is not a number');
  return value;
}

function parseSwitch(text: string): boolean {
  if (['true', '1', 'TRUE', 'True', 't', 'T'].includes(text)) return true;
  if (['false', '0', 'FALSE', 'False', 'f', 'F'].includes(text)) return false;
  throw new Error('it is neither true nor false');
}
