/**
 * Options of consumers.
 *
 * Thread: any.
 */

import { valueText } from '../shared/error-text.ts';
import { parseChannelName, parseTopicName } from '../shared/names.ts';
import { type Address, parseAddress } from './address.ts';
import type { BackoffSettings } from './backoff-timer.ts';
import { type Codec, jsonCodec } from './body-codec.ts';
import {
  CONNECTION_OPTION_NAMES,
  type ConnectionOptions,
  type ConnectionSettings,
  connectionSettings,
} from './connection-options.ts';
import {
  LOOKUPD_OPTION_NAMES,
  type LookupdOptions,
  type LookupdSettings,
  lookupdSettings,
} from './lookupd-options.ts';
import type { Message } from './message.ts';
import type { ConsumerWishes } from './negotiation.ts';
import { NsqError } from './nsq-error.ts';
import { invalid, OptionChecks } from './option-checks.ts';

/**
 * Options of a consumer. Required are `topic`, `channel`, and at least one of `nsqd` and `lookupd`.
 *
 * @example
 * ```ts
 * import { Consumer, type ConsumerOptions } from 'ringmq/client';
 *
 * const options: ConsumerOptions = {
 *   topic: 'orders',
 *   channel: 'billing',
 *   nsqd: ['127.0.0.1:4150'],
 *   maxInFlight: 200,
 *   maxAttempts: 5,
 *   onDiscard: (message) => console.error(`gave up ${message.id}`),
 * };
 * const consumer = new Consumer(options);
 * await consumer.close();
 * ```
 */
export type ConsumerOptions<T = unknown> = ConnectionOptions &
  LookupdOptions & {
    readonly topic: string;
    readonly channel: string;
    /** Addresses of brokers, `host:port`. The consumer connects to them in addition to those from nsqlookupd. */
    readonly nsqd?: readonly string[] | undefined;
    /** How many messages may be unanswered at the same time, over all connections. Default: 200. */
    readonly maxInFlight?: number | undefined;
    /** The codec of `message.decode()`. Default: JSON. */
    readonly codec?: Codec<T> | undefined;
    /**
     * A message that fails in its last attempt, or that arrives with more attempts than this, is passed to
     * `onDiscard` and finished. 0: no limit. Default: 0.
     */
    readonly maxAttempts?: number | undefined;
    /**
     * Receives discarded messages, for example to publish them to a dead letter topic. The message is finished when
     * the function returns or its promise is fulfilled; if it fails, the message is redelivered.
     */
    readonly onDiscard?:
      | ((message: Message<T>, error: unknown) => unknown | Promise<unknown>)
      | undefined;
    /** Whether unanswered messages are touched before they time out. Default: true. */
    readonly autoTouch?: boolean | undefined;
    /** When an unanswered message times out at the broker. Default: the broker's, usually 60,000. Units: ms. */
    readonly msgTimeoutMs?: number | undefined;
    /** Percentage of the channel's messages that this consumer receives, 1 to 99. Default: all. */
    readonly sampleRate?: number | undefined;
    /** The requeue delay after a message's first failure; it doubles with each further one. Default: 1,000. */
    readonly requeueDelayMs?: number | undefined;
    /** The longest such delay. Default: 900,000. Units: ms. */
    readonly maxRequeueDelayMs?: number | undefined;
    /** The unit of backoff pauses; the first pause is twice as long. Default: 1,000. Units: ms. */
    readonly backoffMs?: number | undefined;
    /** The longest backoff pause. 0: no pauses. Default: 120,000. Units: ms. */
    readonly maxBackoffMs?: number | undefined;
    /** The random share of delays and pauses, 0 to 1. Default: 0.3. */
    readonly jitter?: number | undefined;
    /** The longest time between two attempts to connect to a broker. Default: 30,000. Units: ms. */
    readonly maxReconnectMs?: number | undefined;
  };

/** The same options, validated and complete. */
export type ConsumerSettings<T> = {
  readonly topic: string;
  readonly channel: string;
  readonly addresses: readonly Address[];
  readonly lookupd: LookupdSettings | null;
  readonly connection: ConnectionSettings;
  readonly wishes: ConsumerWishes;
  readonly maxInFlight: number;
  readonly codec: Codec<T>;
  readonly maxAttempts: number;
  readonly onDiscard: ((message: Message<T>, error: unknown) => unknown) | null;
  readonly isTouching: boolean;
  readonly requeueDelayMs: number;
  readonly maxRequeueDelayMs: number;
  readonly backoff: BackoffSettings;
  readonly maxReconnectMs: number;
};

const NAMES: readonly (keyof ConsumerOptions)[] = [
  ...CONNECTION_OPTION_NAMES,
  ...LOOKUPD_OPTION_NAMES,
  'topic',
  'channel',
  'nsqd',
  'maxInFlight',
  'codec',
  'maxAttempts',
  'onDiscard',
  'autoTouch',
  'msgTimeoutMs',
  'sampleRate',
  'requeueDelayMs',
  'maxRequeueDelayMs',
  'backoffMs',
  'maxBackoffMs',
  'jitter',
  'maxReconnectMs',
];

const HOUR_MS = 3_600_000;
const MAX_IN_FLIGHT = 1_000_000;
/** Attempts are counted in two bytes. */
const ATTEMPTS_MAX = 65_535;
const SAMPLE_RATE_MAX = 99;

/** Validates a consumer's options. Errors: throws an NsqError. */
export function consumerSettings<T>(options: ConsumerOptions<T>): ConsumerSettings<T> {
  const checks = new OptionChecks(options, NAMES);
  const { topic, channel, onDiscard, codec } = options;
  if (typeof topic !== 'string' || parseTopicName(topic) === undefined) {
    const what = `option topic: "${valueText(topic)}" is not a topic's name`;
    throw new NsqError('E_BAD_TOPIC', what, { topic: valueText(topic) });
  }
  if (typeof channel !== 'string' || parseChannelName(channel) === undefined) {
    const what = `option channel: "${valueText(channel)}" is not a channel's name`;
    throw new NsqError('E_BAD_CHANNEL', what, { topic });
  }
  if (onDiscard !== undefined && typeof onDiscard !== 'function') {
    throw invalid('onDiscard', 'it is not a function');
  }
  const lookupd = lookupdSettings(checks);
  const addresses = checks.texts('nsqd').map((text) => parseAddress(text, 'nsqd'));
  if (addresses.length === 0 && lookupd === null) {
    throw invalid('nsqd', 'neither nsqd nor lookupd is given, so no broker is known');
  }
  const jitter = checks.number('jitter', 0.3, 0, 1);
  const sampleRate = checks.optionalInteger('sampleRate', 1, SAMPLE_RATE_MAX) ?? 0;
  return {
    topic,
    channel,
    addresses,
    lookupd,
    connection: connectionSettings(checks, options),
    wishes: { sampleRate, msgTimeoutMs: checks.optionalInteger('msgTimeoutMs', 1, 24 * HOUR_MS) },
    maxInFlight: checks.integer('maxInFlight', 200, 1, MAX_IN_FLIGHT),
    // Without a codec T is unknown, which is the type of JSON values.
    codec: codec ?? (jsonCodec as Codec<T>),
    maxAttempts: checks.integer('maxAttempts', 0, 0, ATTEMPTS_MAX),
    onDiscard: onDiscard ?? null,
    isTouching: checks.boolean('autoTouch', true),
    requeueDelayMs: checks.number('requeueDelayMs', 1000, 0, HOUR_MS),
    maxRequeueDelayMs: checks.number('maxRequeueDelayMs', 900_000, 0, HOUR_MS),
    backoff: {
      baseMs: checks.number('backoffMs', 1000, 0, HOUR_MS),
      maxMs: checks.number('maxBackoffMs', 120_000, 0, HOUR_MS),
      jitter,
    },
    maxReconnectMs: checks.integer('maxReconnectMs', 30_000, 1, HOUR_MS),
  };
}
