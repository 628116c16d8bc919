/**
 * The operations of the broker outside the queue protocol, as the HTTP API uses them.
 *
 * Thread: main. Source: nsqd `http.go`.
 */

import type { ConnectionLimit } from '../../daemon/connection-limit.ts';
import type { Guard } from '../../daemon/guard.ts';
import type { Logger, LogLevel } from '../../daemon/log.ts';
import { rethrowBug } from '../../shared/assert.ts';
import type { Clock } from '../../shared/clock.ts';
import type { StreamStart } from '../../shared/control.ts';
import { errorText } from '../../shared/error-text.ts';
import { type ChannelName, isEphemeral, type TopicName } from '../../shared/names.ts';
import type { Options } from '../options/options.ts';
import type { BrokerStats, StatsFilter } from '../stats/stats.ts';
import type { StatsCollector } from '../stats/stats-collector.ts';
import type { HttpBroker, ReloadReport } from './broker.ts';
import { creationRefusal, type Drain, type DrainProgress } from './drain.ts';
import { type HoldingConsumer, MessageOperations } from './message-operations.ts';
import type { Metadata } from './metadata.ts';
import { type Publisher, PublishRefused } from './publisher.ts';
import { whenChannelStored, whenTopicStored } from './stored.ts';
import type { ChannelHandle, TopicHandle, TopicMap } from './topic-map.ts';

/** The data directory. */
type BrokerStorage = {
  /** Why it is unhealthy, or null. */
  readonly failure: string | null;
  readonly metadata: Pick<Metadata, 'save'>;
};

/** A connection to peers whose addresses may change. */
interface Addressable {
  readonly addresses: readonly string[];
  setAddresses(addresses: readonly string[]): void;
}

/** The parts of the broker that the operations use. */
export type BrokerParts = {
  readonly options: Options;
  readonly startTimeMs: number;
  readonly logger: Logger;
  readonly topics: TopicMap;
  readonly storage: BrokerStorage;
  readonly publisher: Publisher;
  readonly stats: StatsCollector;
  /** Registers topics elsewhere. */
  readonly lookupd: Addressable;
  readonly limit: ConnectionLimit;
  readonly guard: Guard;
  readonly clock: Clock;
  /** The client with this number, if it is connected. */
  readonly client: (number: number) => HoldingConsumer | undefined;
  readonly drain: Pick<Drain, 'begin' | 'progress'>;
  readonly reload: { run(): Promise<ReloadReport> };
};

export class BrokerOperations implements HttpBroker {
  readonly options: Options;
  readonly startTimeMs: number;
  readonly messages: MessageOperations;
  tcpPort = 0;
  httpPort = 0;

  readonly #logger: Logger;
  readonly #topics: TopicMap;
  readonly #storage: BrokerStorage;
  readonly #publisher: Publisher;
  readonly #stats: StatsCollector;
  readonly #lookupd: Addressable;
  readonly #limit: ConnectionLimit;
  readonly #guard: Guard;
  readonly #drain: BrokerParts['drain'];
  readonly #reload: BrokerParts['reload'];

  constructor(parts: BrokerParts) {
    this.startTimeMs = parts.startTimeMs;
    this.messages = new MessageOperations(parts);
    this.options = parts.options;
    this.#logger = parts.logger;
    this.#topics = parts.topics;
    this.#storage = parts.storage;
    this.#publisher = parts.publisher;
    this.#stats = parts.stats;
    this.#lookupd = parts.lookupd;
    this.#limit = parts.limit;
    this.#guard = parts.guard;
    this.#drain = parts.drain;
    this.#reload = parts.reload;
  }

  get refusedConnectionCount(): number {
    return this.#limit.refusedCount;
  }

  get failedInputCount(): number {
    return this.#guard.failedCount;
  }

  health(): string {
    const { durableRefusal, storeAbsence } = this.#topics;
    const error = this.backendError() ?? this.#storage.failure ?? durableRefusal ?? storeAbsence;
    return error === null ? 'OK' : `NOK - ${error}`;
  }

  /** Why a disk queue refuses writes, or null. */
  backendError(): string | null {
    for (const { backendError } of this.#topics.values()) {
      if (backendError !== null) return backendError;
    }
    return null;
  }

  /** Names in no order. */
  topicNames(): string[] {
    return [...this.#topics.values()].map(({ name }) => name);
  }

  channelNames(topic: string): string[] {
    return [...(this.#topics.get(topic)?.channels.keys() ?? [])];
  }

  hasTopic(topic: string): boolean {
    return this.#topics.get(topic) !== undefined;
  }

  hasChannel(topic: string, channel: string): boolean {
    return this.#topics.get(topic)?.channels.has(channel) ?? false;
  }

  async createTopic(name: TopicName): Promise<void> {
    const { creations } = this.#topics;
    // Where the turn allows it, the topic exists when this returns: an embedding program relies on that.
    if (!this.hasTopic(name) && !creations.tryTake()) await creations.take();
    this.#expectCreation(name, null);
    const topic = this.#topics.getOrCreate(name);
    await topic.opening;
    expectStored(await whenTopicStored(topic));
  }

  async createChannel(topic: TopicName, channel: ChannelName): Promise<void> {
    const { creations } = this.#topics;
    if (!this.hasChannel(topic, channel) && !creations.tryTake()) await creations.take();
    this.#expectCreation(topic, channel);
    const created = this.#topics.getOrCreateChannel(this.#topic(topic), channel);
    expectStored(await whenChannelStored(created));
  }

  async startChannel(
    topicName: TopicName,
    name: ChannelName,
    start: StreamStart,
  ): Promise<string | null> {
    this.#expectCreation(topicName, name);
    const topic = this.#changeable(this.#topic(topicName));
    if (!topic.isReplicated) return 'the topic is not replicated: it keeps no finished messages';
    if (isEphemeral(name)) return 'an ephemeral channel begins with new messages';
    if (topic.channels.has(name)) return 'the channel exists';
    const error = await this.#topics.startChannel(topic, name, start);
    if (error === null) this.#topics.getOrCreateChannel(topic, name);
    return error;
  }

  async deleteTopic(name: string): Promise<void> {
    const topic = this.#changeable(this.#topic(name));
    const channels = [...topic.channels.values()];
    await expectChanged(topic, this.#topics.deleteTopic(topic), () => {
      const again = this.#topics.createReplicated(topic.name, topic.isPaused);
      for (const channel of channels) this.#show(again, channel);
    });
  }

  async deleteChannel(topic: string, name: string): Promise<void> {
    const channel = this.#channel(topic, name);
    const handle = this.#changeable(channel.topic);
    await expectChanged(handle, this.#topics.deleteChannel(channel), () => {
      if (!handle.isDeleted) this.#show(handle, channel);
    });
  }

  async emptyTopic(topic: string): Promise<void> {
    const handle = this.#changeable(this.#topic(topic));
    await expectChanged(handle, this.#topics.emptyTopic(handle));
  }

  async emptyChannel(topic: string, name: string): Promise<void> {
    const channel = this.#channel(topic, name);
    const handle = this.#changeable(channel.topic);
    await expectChanged(handle, this.#topics.emptyChannel(channel));
  }

  async pauseTopic(topic: string, isPaused: boolean): Promise<void> {
    await this.#topics.pauseTopic(this.#changeable(this.#topic(topic)), isPaused);
    await this.#storage.metadata.save();
  }

  async pauseChannel(topic: string, channel: string, isPaused: boolean): Promise<void> {
    const handle = this.#channel(topic, channel);
    this.#changeable(handle.topic);
    await this.#topics.pauseChannel(handle, isPaused);
    await this.#storage.metadata.save();
  }

  tryPublish(name: TopicName, messages: Buffer, count: number, deferMs: number): boolean {
    const topic = this.#topics.get(name);
    if (topic === undefined || this.#publisher.refusalOf(topic) !== null) return false;
    const batch = this.#publisher.batch(messages, 0, messages.length, count, deferMs);
    return this.#publisher.tryPublish(topic, batch);
  }

  async publish(name: TopicName, messages: Buffer, count: number, deferMs: number): Promise<void> {
    this.#expectCreation(name, null);
    const batch = this.#publisher.batch(messages, 0, messages.length, count, deferMs);
    await this.#publisher.publish(this.#topics.getOrCreate(name), batch);
  }

  beginDrain(): void {
    this.#drain.begin();
  }

  drainProgress(): DrainProgress | null {
    return this.#drain.progress;
  }

  stats(filter: StatsFilter): Promise<BrokerStats> {
    return this.#stats.collect(filter);
  }

  optionsInForce(): Options {
    return {
      ...this.options,
      logLevel: this.#logger.level,
      lookupdTcpAddress: this.#lookupd.addresses,
    };
  }

  setLogLevel(level: LogLevel): void {
    this.#logger.setLevel(level);
  }

  setLookupdAddresses(addresses: readonly string[]): void {
    this.#lookupd.setAddresses(addresses);
  }

  reload(): Promise<ReloadReport> {
    return this.#reload.run();
  }

  /** Errors: throws the reason if a topic or channel that does not exist cannot be created now. */
  #expectCreation(topic: TopicName, channel: ChannelName | null): void {
    const refusal = creationRefusal(this.#topics, topic, channel);
    if (refusal !== null) throw new PublishRefused(refusal);
  }

  /** Errors: throws while the topic's store is unavailable: a change would not reach the other brokers. */
  #changeable(topic: TopicHandle): TopicHandle {
    const { storeAbsence } = this.#topics;
    if (topic.isReplicated && storeAbsence !== null) throw new PublishRefused(storeAbsence);
    return topic;
  }

  /** Shows a channel again that the store has not deleted. */
  #show(topic: TopicHandle, { name, isPaused }: ChannelHandle): void {
    this.#topics.getOrCreateChannel(topic, name, isPaused);
  }

  #topic(name: string): TopicHandle {
    const topic = this.#topics.get(name);
    if (topic === undefined) throw new Error(`topic ${name} does not exist`);
    return topic;
  }

  #channel(topicName: string, name: string): ChannelHandle {
    const channel = this.#topic(topicName).channels.get(name);
    if (channel === undefined) throw new Error(`channel ${topicName}:${name} does not exist`);
    return channel;
  }
}

/** Errors: throws the reason why the store does not have it, which is meant for the client. */
function expectStored(error: string | null): void {
  if (error !== null) throw new PublishRefused(error);
}

/**
 * Waits for a change of a topic or channel. Errors: rejects with the reason why the store of replicated topics has not
 * made it, which is meant for the client; `undo` is called before.
 */
async function expectChanged(
  { isReplicated }: TopicHandle,
  change: Promise<void>,
  undo: () => void = () => undefined,
): Promise<void> {
  try {
    await change;
  } catch (error) {
    rethrowBug(error);
    if (!isReplicated) throw error;
    undo();
    throw new PublishRefused(errorText(error));
  }
}
