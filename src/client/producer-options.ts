/**
 * Options of producers.
 *
 * Thread: any.
 */

import { type Address, parseAddress } from './address.ts';
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
import { invalid, OptionChecks } from './option-checks.ts';
import type { QueueSettings } from './publish-queue.ts';

/**
 * Options of a producer. At least one of `nsqd` and `lookupd` is required.
 *
 * @example
 * ```ts
 * import { Producer, type ProducerOptions } from 'ringmq/client';
 *
 * const options: ProducerOptions = {
 *   nsqd: ['127.0.0.1:4150', 'broker-2:4150'],
 *   timeoutMs: 5000,
 * };
 * const producer = new Producer(options);
 * await producer.publish('orders', { id: 7 });
 * await producer.close();
 * ```
 */
export type ProducerOptions<T = unknown> = ConnectionOptions &
  LookupdOptions & {
    /** Addresses of brokers, `host:port`. The producer uses one at a time, and the next one when it fails. */
    readonly nsqd?: readonly string[] | undefined;
    /** Encodes values as bodies. Strings and bytes are sent unchanged. Default: JSON. */
    readonly codec?: Codec<T> | undefined;
    /** The timeout of a publish, retries included. Infinity: no timeout. Default: 30,000. Units: ms. */
    readonly timeoutMs?: number | undefined;
    /** Whether messages published to a topic in one turn are sent as one batch. Default: true. */
    readonly batching?: boolean | undefined;
    /** Most messages of a batch. Default: 1,000. */
    readonly maxBatchMessages?: number | undefined;
    /** Most bytes of a batch; must be less than the broker's `--max-body-size`. Default: 512 KiB. */
    readonly maxBatchBytes?: number | undefined;
    /**
     * Whether messages of a topic stay in order even if a connection breaks: each batch waits for the answer to the
     * one before. Default: false.
     */
    readonly ordered?: boolean | undefined;
    /**
     * Whether messages are resent if the connection breaks before the answer. The broker may have accepted them
     * already and then has them twice. If false, such a publish is rejected with CONNECTION_LOST. Default: true.
     */
    readonly resendAfterLoss?: boolean | undefined;
    /** Most bytes that are sent and not answered. Default: 4 MiB. */
    readonly maxUnansweredBytes?: number | undefined;
    /** The number of waiting bytes from which `writableNeedDrain` is true. Default: 16 MiB. */
    readonly highWaterMarkBytes?: number | undefined;
    /** Most bytes that wait, sent or not; further publishes are rejected with QUEUE_FULL. Default: 64 MiB. */
    readonly maxQueuedBytes?: number | undefined;
    /** The longest time between two attempts to connect. Default: 10,000. Units: ms. */
    readonly maxReconnectMs?: number | undefined;
  };

/** The same options, validated and complete. */
export type ProducerSettings<T> = QueueSettings & {
  readonly addresses: readonly Address[];
  readonly lookupd: LookupdSettings | null;
  readonly connection: ConnectionSettings;
  readonly codec: Codec<T>;
  readonly timeoutMs: number;
  readonly maxReconnectMs: number;
};

const NAMES: readonly (keyof ProducerOptions)[] = [
  ...CONNECTION_OPTION_NAMES,
  ...LOOKUPD_OPTION_NAMES,
  'nsqd',
  'codec',
  'timeoutMs',
  'batching',
  'maxBatchMessages',
  'maxBatchBytes',
  'ordered',
  'resendAfterLoss',
  'maxUnansweredBytes',
  'highWaterMarkBytes',
  'maxQueuedBytes',
  'maxReconnectMs',
];

const HOUR_MS = 3_600_000;
const MIB = 1024 * 1024;
const BYTES_MAX = 2 ** 40;
const BATCH_MESSAGES_MAX = 100_000;
const BATCH_BYTES_MAX = 1024 * MIB;

/** Validates a producer's options. Errors: throws an NsqError. */
export function producerSettings<T>(options: ProducerOptions<T>): ProducerSettings<T> {
  const checks = new OptionChecks(options, NAMES);
  const lookupd = lookupdSettings(checks);
  const addresses = checks.texts('nsqd').map((text) => parseAddress(text, 'nsqd'));
  if (addresses.length === 0 && lookupd === null) {
    throw invalid('nsqd', 'neither nsqd nor lookupd is given, so no broker is known');
  }
  return {
    addresses,
    lookupd,
    connection: connectionSettings(checks, options),
    // Without a codec T is unknown, which is the type of JSON values.
    codec: options.codec ?? (jsonCodec as Codec<T>),
    timeoutMs: checks.number('timeoutMs', 30_000, 1, Number.POSITIVE_INFINITY),
    maxBatchMessages: checks.integer('maxBatchMessages', 1000, 1, BATCH_MESSAGES_MAX),
    maxBatchBytes: checks.integer('maxBatchBytes', MIB / 2, 1, BATCH_BYTES_MAX),
    isBatching: checks.boolean('batching', true),
    isOrdered: checks.boolean('ordered', false),
    isResending: checks.boolean('resendAfterLoss', true),
    maxUnansweredBytes: checks.integer('maxUnansweredBytes', 4 * MIB, 1, BYTES_MAX),
    highWaterMarkBytes: checks.integer('highWaterMarkBytes', 16 * MIB, 1, BYTES_MAX),
    maxQueuedBytes: checks.integer('maxQueuedBytes', 64 * MIB, 1, BYTES_MAX),
    maxReconnectMs: checks.integer('maxReconnectMs', 10_000, 1, HOUR_MS),
  };
}
