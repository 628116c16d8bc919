/**
 * What producers are told.
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
 * Options of a producer. It needs to know where the brokers are: `nsqd`, `lookupd`, or both.
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
    /** Addresses of brokers, `host:port`. One is used at a time; the next one when it fails. */
    readonly nsqd?: readonly string[] | undefined;
    /** What turns values into bodies. Strings and bytes are sent as they are. Default: JSON. */
    readonly codec?: Codec<T> | undefined;
    /** How long a publish may take, other attempts included. Infinity: for ever. Default: 30,000. Units: ms. */
    readonly timeoutMs?: number | undefined;
    /** Whether messages that are published in one turn to one topic go together. Default: true. */
    readonly batching?: boolean | undefined;
    /** How many messages go together at most. Default: 1,000. */
    readonly maxBatchMessages?: number | undefined;
    /** How many bytes go together at most; less than the broker's `--max-body-size`. Default: 512 KiB. */
    readonly maxBatchBytes?: number | undefined;
    /**
     * Whether messages of a topic stay in order even when a connection breaks: the next ones are sent only when those
     * before them are answered. Default: false.
     */
    readonly ordered?: boolean | undefined;
    /**
     * Whether messages are sent again whose answer was lost with the connection. The broker may have taken them
     * already, and has them twice then. Without, such a publish is rejected: CONNECTION_LOST. Default: true.
     */
    readonly resendAfterLoss?: boolean | undefined;
    /** How many bytes may be sent and not answered. Default: 4 MiB. */
    readonly maxUnansweredBytes?: number | undefined;
    /** From how many bytes on `writableNeedDrain` is true. Default: 16 MiB. */
    readonly highWaterMarkBytes?: number | undefined;
    /** How many bytes may wait, sent or not; more is refused: QUEUE_FULL. Default: 64 MiB. */
    readonly maxQueuedBytes?: number | undefined;
    /** The longest time between two attempts to connect. Default: 10,000. Units: ms. */
    readonly maxReconnectMs?: number | undefined;
  };

/** The same, checked and complete. */
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

/** Checks a producer's options. Errors: throws an NsqError. */
export function producerSettings<T>(options: ProducerOptions<T>): ProducerSettings<T> {
  const checks = new OptionChecks(options, NAMES);
  const lookupd = lookupdSettings(checks);
  const addresses = checks.texts('nsqd').map((text) => parseAddress(text, 'nsqd'));
  if (addresses.length === 0 && lookupd === null) {
    throw invalid('nsqd', 'there is neither it nor lookupd, so no broker is known');
  }
  return {
    addresses,
    lookupd,
    connection: connectionSettings(checks, options),
    // Without an option, T is unknown, which JSON's values are.
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
