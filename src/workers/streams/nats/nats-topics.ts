/**
 * Replicated topics in NATS JetStream: a topic is a stream, a message one message of it, a channel a durable pull
 * consumer with explicit acknowledgements, and an ephemeral channel a consumer that vanishes when no broker pulls from
 * it.
 *
 * JetStream drops messages that no consumer wants. So a topic without a channel has the consumer `holder`, which
 * finishes nothing; the first channel starts at its position and replaces it. Ephemeral channels do not replace it.
 *
 * Thread: stream.
 */

import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { StartedChannel, StreamName, StreamStart } from '../../../shared/control.ts';
import { isEphemeral } from '../../../shared/names.ts';
import type { Replication } from '../../../shared/topic-policy.ts';
import type { StreamFigures } from '../stream-store.ts';
import type { NatsCatalog } from './nats-catalog.ts';
import { CHANNEL_PREFIX, HOLDER, type NatsNames } from './nats-names.ts';
import { isClusterTooSmall, REPLICAS_MAX } from './nats-replicas.ts';

const NS_PER_MS = 1e6;
/** How long an answer about streams and consumers may take. Units: ms. */
export const ADMIN_MS = 3000;
/** After this time without a report from its broker a message goes to another one. Units: ms. */
const ACK_WAIT_MS = 15_000;
/** Most messages of a channel that brokers hold or that are not due. */
const TAKEN_MAX = 100_000;
/** An ephemeral channel is deleted when no broker has pulled for this long. Units: ms. */
const INACTIVE_MS = 10_000;

const NOT_RETAINED =
  'the topic does not keep finished messages: its policy had no retention when it was created';

export class NatsTopics {
  readonly #nc: Pick<NatsConnection, 'request'>;
  readonly #manager: JetStreamManager;
  readonly #figures: JetStreamManager;
  readonly #names: NatsNames;
  readonly #catalog: NatsCatalog;

  /** `figures`: the same manager, with less patience. */
  constructor(
    nc: Pick<NatsConnection, 'request'>,
    manager: JetStreamManager,
    figures: JetStreamManager,
    names: NatsNames,
    catalog: NatsCatalog,
  ) {
    this.#nc = nc;
    this.#manager = manager;
    this.#figures = figures;
    this.#names = names;
    this.#catalog = catalog;
  }

  /** Creates a topic or channel that does not exist. */
  async open({ topic, channel, replication }: StreamName): Promise<void> {
    await this.#openTopic(topic, replication);
    if (channel !== '') await this.#openChannel(topic, channel);
  }

  async #openTopic(topic: string, replication: Replication): Promise<void> {
    const stream = this.#names.stream(topic);
    const info = await found(this.#manager.streams.info(stream));
    if (info === undefined) await this.#addStream(topic, replication);
    if ((info?.state.consumer_count ?? 0) === 0) await this.#hold(stream, DeliverPolicy.All);
    await this.#catalog.ensure(topic, '');
  }

  async #addEphemeral(
    stream: string,
    consumer: string,
    start: Partial<ConsumerConfig>,
  ): Promise<void> {
    await this.#manager.consumers.add(stream, {
      ...consumerConfig(start),
      name: consumer,
      inactive_threshold: INACTIVE_MS * NS_PER_MS,
    });
  }

  async #addStream(topic: string, replication: Replication): Promise<void> {
    const { replicas, retention } = replication;
    const isRetained = retention.ageMs > 0 || retention.bytes > 0;
    const config: Partial<StreamConfig> & { name: string } = {
      name: this.#names.stream(topic),
      subjects: [this.#names.subject(topic)],
      storage: StorageType.File,
      retention: isRetained ? RetentionPolicy.Limits : RetentionPolicy.Interest,
      discard: DiscardPolicy.Old,
      max_age: retention.ageMs * NS_PER_MS,
      max_bytes: retention.bytes > 0 ? retention.bytes : -1,
      num_replicas: replicas > 0 ? replicas : REPLICAS_MAX,
    };
    const { streams } = this.#manager;
    try {
      await streams.add(config);
    } catch (error) {
      if (replicas > 0 || !isClusterTooSmall(error)) throw error;
      await streams.add({ ...config, num_replicas: 1 });
    }
  }

  async #openChannel(topic: string, channel: string): Promise<void> {
    const { streams, consumers } = this.#manager;
    const stream = this.#names.stream(topic);
    const consumer = this.#names.consumer(channel);
    if ((await found(consumers.info(stream, consumer))) !== undefined) return;
    if (isEphemeral(channel)) {
      await this.#addEphemeral(stream, consumer, { deliver_policy: DeliverPolicy.New });
      return;
    }
    const holder = await found(consumers.info(stream, HOLDER));
    // A holder that is being deleted may lack this field.
    const last = holder?.delivered?.stream_seq ?? (await streams.info(stream)).state.last_seq;
    await this.#unlessThere(stream, consumer, this.#addChannel(topic, channel, last + 1));
  }

  /**
   * Creates a channel that starts with the messages that the topic has kept. Errors: rejects if it exists, or if the
   * topic has no retention.
   */
  async startChannel(topic: string, { channel, start }: StartedChannel): Promise<void> {
    const { streams, consumers } = this.#manager;
    const stream = this.#names.stream(topic);
    const { config } = await streams.info(stream);
    if (config.retention !== RetentionPolicy.Limits) throw new Error(NOT_RETAINED);
    if ((await found(consumers.info(stream, this.#names.consumer(channel)))) !== undefined) {
      throw new Error('the channel exists');
    }
    await this.#addChannel(topic, channel, await this.#sequenceOf(stream, start));
  }

  /** Creates a channel that starts with this message. It replaces the holder. */
  async #addChannel(topic: string, channel: string, sequence: number): Promise<void> {
    const { consumers } = this.#manager;
    const stream = this.#names.stream(topic);
    const start = { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: sequence };
    const durable = this.#names.consumer(channel);
    await consumers.add(stream, { ...consumerConfig(start), durable_name: durable });
    await this.#catalog.ensure(topic, channel);
    await found(consumers.delete(stream, HOLDER));
  }

  /** A consumer that starts at a time shows which message is the first one since then. */
  async #sequenceOf(stream: string, start: StreamStart): Promise<number> {
    if ('sequence' in start) return start.sequence;
    const { consumers } = this.#manager;
    const { name, delivered } = await consumers.add(stream, {
      deliver_policy: DeliverPolicy.StartTime,
      opt_start_time: new Date(start.unixMs).toISOString(),
      ack_policy: AckPolicy.None,
      inactive_threshold: INACTIVE_MS * NS_PER_MS,
    });
    await found(consumers.delete(stream, name));
    return delivered.stream_seq + 1;
  }

  async empty(name: StreamName): Promise<void> {
    // Another broker may be deleting it: then it is empty, too.
    await found(this.#empty(name));
  }

  async #empty({ topic, channel }: StreamName): Promise<void> {
    const { consumers } = this.#manager;
    const stream = this.#names.stream(topic);
    if (channel === '') {
      if ((await found(consumers.delete(stream, HOLDER))) === undefined) return;
      await this.#hold(stream, DeliverPolicy.New);
      return;
    }
    // Something must keep the topic's messages meanwhile.
    await this.#hold(stream, DeliverPolicy.New);
    await found(consumers.delete(stream, this.#names.consumer(channel)));
    await this.#openChannel(topic, channel);
    await found(consumers.delete(stream, HOLDER));
  }

  /** First another server gets to lead the consumer; then the consumer is created again after its finished messages. */
  async mend({ topic, channel }: StreamName, attempt: number, handed: number): Promise<string> {
    const { consumers } = this.#manager;
    const stream = this.#names.stream(topic);
    const consumer = this.#names.consumer(channel);
    const { cluster, delivered, ack_floor: finished } = await consumers.info(stream, consumer);
    if (delivered.consumer_seq !== handed) return 'it has delivered messages since';
    if (attempt === 0 && (cluster?.replicas?.length ?? 0) > 0) {
      await this.#stepDown(stream, consumer);
      return `server ${cluster?.leader} was asked to give up its leadership`;
    }
    const next = finished.stream_seq + 1;
    const start = { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: next };
    if (isEphemeral(channel)) {
      await found(consumers.delete(stream, consumer));
      await this.#addEphemeral(stream, consumer, start);
      return `it is created again and begins with message ${next}`;
    }
    // The holder keeps what the channel has not finished, and marks where it starts again.
    await found(consumers.delete(stream, HOLDER));
    await consumers.add(stream, { ...consumerConfig(start), durable_name: HOLDER });
    await found(consumers.delete(stream, consumer));
    await this.#openChannel(topic, channel);
    return `it is created again and begins with message ${next}`;
  }

  async #stepDown(stream: string, consumer: string): Promise<void> {
    const subject = `$JS.API.CONSUMER.LEADER.STEPDOWN.${stream}.${consumer}`;
    const answer = (await this.#nc.request(subject, undefined, { timeout: ADMIN_MS })).string();
    const error = /"description":\s*"([^"]*)"/.exec(answer)?.[1];
    if (error !== undefined) throw new Error(error);
  }

  async delete({ topic, channel }: StreamName): Promise<void> {
    const { streams } = this.#manager;
    const stream = this.#names.stream(topic);
    if (channel === '') {
      await found(streams.delete(stream));
      await this.#catalog.remove(topic, '');
      return;
    }
    // Other brokers may still use it.
    if (isEphemeral(channel)) return;
    if ((await found(streams.info(stream))) === undefined) return;
    // Another broker may delete the topic meanwhile.
    await found(this.#deleteConsumer(stream, this.#names.consumer(channel)));
    await this.#catalog.remove(topic, channel);
  }

  async #deleteConsumer(stream: string, consumer: string): Promise<void> {
    const { consumers } = this.#manager;
    await this.#hold(stream, DeliverPolicy.New);
    await found(consumers.delete(stream, consumer));
    if (await this.#hasChannels(stream)) await found(consumers.delete(stream, HOLDER));
  }

  async #hasChannels(stream: string): Promise<boolean> {
    for await (const { config } of this.#manager.consumers.list(stream)) {
      if (config.durable_name?.startsWith(CHANNEL_PREFIX) === true) return true;
    }
    return false;
  }

  /** Makes the topic keep its messages for a later channel. */
  async #hold(stream: string, from: DeliverPolicy): Promise<void> {
    const { consumers } = this.#manager;
    if ((await found(consumers.info(stream, HOLDER))) !== undefined) return;
    const config = { ...consumerConfig({ deliver_policy: from }), durable_name: HOLDER };
    await this.#unlessThere(stream, HOLDER, consumers.add(stream, config));
  }

  /** Another broker may have created the consumer in the same moment, with another beginning. */
  async #unlessThere(stream: string, consumer: string, adding: Promise<unknown>): Promise<void> {
    try {
      await adding;
    } catch (error) {
      if (!(error instanceof JetStreamApiError)) throw error;
      if ((await found(this.#manager.consumers.info(stream, consumer))) === undefined) throw error;
    }
  }

  /** The figures of a topic or channel; null if the store does not have it. */
  async figures({ topic, channel }: StreamName): Promise<StreamFigures | null> {
    const { streams, consumers } = this.#figures;
    const stream = this.#names.stream(topic);
    if (channel !== '') {
      const info = await found(consumers.info(stream, this.#names.consumer(channel)));
      if (info === undefined) return null;
      const { delivered, num_pending: unread, num_ack_pending: taken, config } = info;
      const before = (config.opt_start_seq ?? 1) - 1;
      return {
        ...{ unread, taken, messages: delivered.stream_seq + unread - before },
        readTo: delivered.stream_seq,
        handed: delivered.consumer_seq,
        isFull: taken >= TAKEN_MAX,
      };
    }
    const info = await found(streams.info(stream));
    if (info === undefined) return null;
    const holder = await found(consumers.info(stream, HOLDER));
    const { messages, last_seq: last } = info.state;
    return {
      ...{ unread: holder?.num_pending ?? 0, taken: 0, messages: last },
      ...{ readTo: messages > 0 ? last : 0, handed: 0, isFull: false },
    };
  }
}

function consumerConfig(start: Partial<ConsumerConfig>): Partial<ConsumerConfig> {
  return {
    ...start,
    ack_policy: AckPolicy.Explicit,
    ack_wait: ACK_WAIT_MS * NS_PER_MS,
    max_ack_pending: TAKEN_MAX,
  };
}

/** The result of a request; undefined if the store does not have the object. */
async function found<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    const { ConsumerNotFound, StreamNotFound } = JetStreamApiCodes;
    if (!(error instanceof JetStreamApiError)) throw error;
    if (error.code !== ConsumerNotFound && error.code !== StreamNotFound) throw error;
    return undefined;
  }
}
