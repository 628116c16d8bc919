/**
 * What the HTTP API needs from the broker.
 *
 * Thread: main.
 */

import type { LogLevel } from '../../daemon/log.ts';
import type { StreamStart } from '../../shared/control.ts';
import type { ChannelName, TopicName } from '../../shared/names.ts';
import type { Options } from '../options/options.ts';
import type { BrokerStats, StatsFilter } from '../stats/stats.ts';
import type { DrainProgress } from './drain.ts';
import type { MessageOperations } from './message-operations.ts';

/** A part that could not be reloaded. */
export type ReloadFailure = { readonly what: string; readonly why: string };

/** The result of a reload. */
export type ReloadReport = {
  /** Files, and keys of options that have changed. */
  readonly taken: readonly string[];
  readonly failed: readonly ReloadFailure[];
  /** Keys of options that have changed and need a restart. */
  readonly restart: readonly string[];
};

/** The broker, as endpoints see it. */
export interface HttpBroker {
  /** The options at the start. */
  readonly options: Options;
  /** Unix time of the start, in ms. */
  readonly startTimeMs: number;
  /** The listening ports: -1 for a unix socket, 0 if disabled. */
  readonly tcpPort: number;
  readonly httpPort: number;
  /** Connections that were refused or could not be accepted. */
  readonly refusedConnectionCount: number;
  /** Clients and requests that were ended because handling their input failed. */
  readonly failedInputCount: number;
  /** `OK`, or `NOK - ` and the reason. */
  health(): string;

  hasTopic(topic: string): boolean;
  hasChannel(topic: string, channel: string): boolean;
  /**
   * Resolves when the topic exists. Rejects when it is being deleted or the broker exits, and with `PublishRefused` if
   * the store of replicated topics cannot create it now; the same for a channel.
   */
  createTopic(topic: TopicName): Promise<void>;
  /** Resolves when the channel exists; the topic must. */
  createChannel(topic: TopicName, channel: ChannelName): Promise<void>;
  /**
   * Creates a channel that starts with the messages that a replicated topic has kept. Resolves with null, or with the
   * reason why it cannot; the topic must exist.
   */
  startChannel(topic: TopicName, channel: ChannelName, start: StreamStart): Promise<string | null>;
  /** The following reject when the disk fails; the topic and channel must exist. */
  deleteTopic(topic: string): Promise<void>;
  deleteChannel(topic: string, channel: string): Promise<void>;
  emptyTopic(topic: string): Promise<void>;
  emptyChannel(topic: string, channel: string): Promise<void>;
  pauseTopic(topic: string, isPaused: boolean): Promise<void>;
  pauseChannel(topic: string, channel: string, isPaused: boolean): Promise<void>;

  /** Publishes as `publish` does if the topic exists and nothing has to wait; returns whether it did. */
  tryPublish(topic: TopicName, messages: Buffer, count: number, deferMs: number): boolean;
  /**
   * Publishes messages: `count` times size(4, big-endian) body(size), as in an MPUB after its count. Resolves when
   * they are accepted; rejects otherwise, with `PublishRefused` if the reason is meant for the publisher.
   * Units: `deferMs` in ms, 0 for at once.
   */
  publish(topic: TopicName, messages: Buffer, count: number, deferMs: number): Promise<void>;

  /** Lists and changes messages that wait or are in flight, for operators. */
  readonly messages: Pick<MessageOperations, 'list' | 'find' | 'work' | 'move'>;

  /** Lets consumers empty the broker, which then ends. */
  beginDrain(): void;
  /** Null if the broker is not draining. */
  drainProgress(): DrainProgress | null;
  stats(filter: StatsFilter): Promise<BrokerStats>;
  /** The current options, with changes since the start: the log level and the addresses of nsqlookupds. */
  optionsInForce(): Options;
  setLogLevel(level: LogLevel): void;
  setLookupdAddresses(addresses: readonly string[]): void;
  /** Reads configuration and files again. */
  reload(): Promise<ReloadReport>;
}
