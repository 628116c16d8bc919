/**
 * A broker as a value, for the program that embeds it.
 *
 * Thread: main.
 */

import { once } from 'node:events';
import { Consumer } from '../client/consumer.ts';
import type { ConsumerOptions } from '../client/consumer-options.ts';
import type { Environment } from '../client/environment.ts';
import type { Handler, RunOptions } from '../client/handler-run.ts';
import type { Message } from '../client/message.ts';
import { NsqError } from '../client/nsq-error.ts';
import { OptionChecks } from '../client/option-checks.ts';
import type { Logger } from '../daemon/log.ts';
import type { Nsqd } from '../main/nsqd.ts';
import type { BrokerStats } from '../main/stats/stats.ts';
import type { Clock } from '../shared/clock.ts';
import { errorText } from '../shared/error-text.ts';
import { BrokerLife } from './broker-life.ts';
import type { BrokerSettings } from './broker-options.ts';
import { BrokerPolicies } from './broker-policies.ts';
import { BrokerTopics } from './broker-topics.ts';
import { LocalConnection } from './local-connection.ts';
import { LocalPublisher, type LocalPublishOptions } from './local-publisher.ts';
import { MessageIterator } from './message-iterator.ts';

/**
 * How an embedded broker's messages are consumed: the options of a `Consumer` that have to do with messages, and the
 * handler's `concurrency`.
 *
 * @example
 * ```ts
 * import { createBroker, type SubscribeOptions } from 'ringmq';
 *
 * const broker = await createBroker({ memory: true });
 * const options: SubscribeOptions = { concurrency: 10, maxAttempts: 3, requeueDelayMs: 0 };
 * await broker.subscribe('orders', 'billing', (message) => console.log(message.text()), options);
 * await broker.close();
 * ```
 */
export type SubscribeOptions<T = unknown> = RunOptions &
  Pick<
    ConsumerOptions<T>,
    | 'maxInFlight'
    | 'codec'
    | 'maxAttempts'
    | 'onDiscard'
    | 'autoTouch'
    | 'msgTimeoutMs'
    | 'sampleRate'
    | 'requeueDelayMs'
    | 'maxRequeueDelayMs'
    | 'backoffMs'
    | 'maxBackoffMs'
    | 'jitter'
  >;

/**
 * Selects a part of the statistics. Default: all, without clients.
 *
 * @example
 * ```ts
 * import { createBroker, type StatsRequest } from 'ringmq';
 *
 * const broker = await createBroker({ memory: true });
 * const request: StatsRequest = { topic: 'orders', clients: true };
 * console.log((await broker.stats(request)).topics); // null: there is no such topic
 * await broker.close();
 * ```
 */
export type StatsRequest = {
  readonly topic?: string | undefined;
  readonly channel?: string | undefined;
  readonly clients?: boolean | undefined;
};

/** The name that messages show as the address of their broker. */
const ADDRESS = 'embedded:4150';
const CLOSE_MS = 30_000;
/** As a consumer's. */
const CLOSE_MS_MAX = 24 * 3_600_000;
/** How long writing what is in memory may take after a worker has crashed. */
const RESCUE_MS = 10_000;

/**
 * A broker in the program's process. `createBroker` makes it.
 *
 * @example
 * ```ts
 * import { createBroker } from 'ringmq';
 *
 * const broker = await createBroker({ memory: true });
 * await broker.publish('orders', { id: 7 });
 * for await (const message of broker.messages('orders', 'billing')) {
 *   console.log(message.json()); // { id: 7 }
 *   await message.finish();
 *   break;
 * }
 * await broker.close();
 * ```
 */
export class Broker implements AsyncDisposable {
  /**
   * Rejects when a thread of the broker has crashed; the messages in memory were then written to disk, as far as
   * possible.
   */
  readonly failed: Promise<never>;
  readonly topics: BrokerTopics;
  readonly policies: BrokerPolicies;

  readonly #nsqd: Nsqd;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #publisher: LocalPublisher;
  readonly #environment: Environment;
  readonly #life = new BrokerLife();
  readonly #consumers = new Set<{ close(options: { deadlineMs: number }): Promise<void> }>();
  #closing: Promise<void> | null = null;
  #failure: NsqError | null = null;

  /** @internal */
  constructor(
    nsqd: Nsqd,
    { options, codec }: Pick<BrokerSettings, 'options' | 'codec'>,
    logger: Logger,
    clock: Clock,
  ) {
    this.#nsqd = nsqd;
    this.#logger = logger;
    this.#clock = clock;
    this.topics = new BrokerTopics(nsqd.operations, this.#life);
    this.policies = new BrokerPolicies(nsqd.policies, this.#life);
    this.#publisher = new LocalPublisher(nsqd.operations, options, codec);
    const broker = { clients: nsqd.local, options, clock };
    this.#environment = {
      clock,
      random: Math.random,
      connect: () => {
        throw new NsqError('CONNECT_FAILED', 'consumers of an embedded broker use no socket');
      },
      connectConsumer: ({ text }, wishes, owner) =>
        new LocalConnection(broker, text, wishes, owner),
    };
    this.failed = nsqd.failed.then((error) => this.#onFailed(error));
    // A program that ignores it gets no unhandled rejection.
    this.failed.catch(() => undefined);
  }

  /** The port for TCP clients; 0 if it does not listen, -1 for a unix socket. */
  get tcpPort(): number {
    return this.#nsqd.operations.tcpPort;
  }

  /** The port of its HTTP API; 0 if it does not listen, -1 for a unix socket. */
  get httpPort(): number {
    return this.#nsqd.operations.httpPort;
  }

  /**
   * Publishes a message. Resolves when the broker has accepted it; while there is no room, the promise stays pending,
   * which is the back-pressure. Do not change the bytes before.
   *
   * Errors: rejects with an NsqError.
   */
  publish(topic: string, body: unknown, options?: LocalPublishOptions): Promise<void> {
    return this.#publisher.publish(topic, body, options);
  }

  /** Publishes several messages to a topic: the broker accepts all or none. Otherwise as `publish`. */
  publishMany(
    topic: string,
    bodies: readonly unknown[],
    options?: LocalPublishOptions,
  ): Promise<void> {
    return this.#publisher.publishMany(topic, bodies, options);
  }

  /**
   * Calls a handler with each message of a channel, which is created if it does not exist. When the handler returns, or
   * its promise is fulfilled, the message is finished; when it fails, the message is redelivered later. Resolves when
   * the consumer has joined the channel; `close()` of the consumer ends it.
   *
   * Errors: rejects with an NsqError if an option is invalid, or if the channel is full.
   */
  async subscribe<T = unknown>(
    topic: string,
    channel: string,
    handler: Handler<T>,
    { concurrency, ...options }: SubscribeOptions<T> = {},
  ): Promise<Consumer<T>> {
    const consumer = this.#consumer(topic, channel, options);
    const connected = once(consumer, 'connect');
    try {
      const running = consumer.run(handler, concurrency === undefined ? {} : { concurrency });
      await Promise.race([connected, running]);
      void running.finally(() => this.#consumers.delete(consumer));
    } catch (error) {
      this.#consumers.delete(consumer);
      // The caller gets the error of `run`.
      connected.catch(() => undefined);
      void consumer.close({ deadlineMs: 0 });
      throw error;
    }
    return consumer;
  }

  /**
   * The messages of a channel, one by one; the reader must answer each. The channel exists as soon as this returns, so
   * that no later message is missed. Leaving the loop leaves the channel.
   *
   * Errors: throws an NsqError if an option is invalid.
   */
  messages<T = unknown>(
    topic: string,
    channel: string,
    options: Omit<SubscribeOptions<T>, 'concurrency'> = {},
  ): AsyncIterableIterator<Message<T>, undefined> & AsyncDisposable {
    const consumer = this.#consumer(topic, channel, options);
    // A draining broker refuses a new channel; the consumer is told so too.
    this.topics.create(topic, channel).catch(() => undefined);
    return new MessageIterator(consumer, () => this.#consumers.delete(consumer));
  }

  /** The statistics of the broker. */
  async stats({ topic, channel, clients = false }: StatsRequest = {}): Promise<BrokerStats> {
    return await this.#nsqd.operations.stats({ topic, channel, withClients: clients });
  }

  /**
   * Lets consumers empty the broker: from now on it refuses publishes, new topics and new channels, and nsqlookupds
   * forget it. Resolves with true when the queues are empty, and with false when `drainTimeoutMs` has passed or the
   * broker is closed before. A drain cannot be cancelled; call `close` next.
   */
  async drain(): Promise<boolean> {
    this.#life.assertOpen();
    const { drain } = this.#nsqd;
    drain.begin();
    await Promise.race([drain.over, this.failed]);
    return drain.progress?.messages === 0;
  }

  /**
   * Ends the broker: it accepts nothing more, waits until handlers have answered their messages and publishes are
   * settled, then writes everything to disk. Idempotent.
   *
   * Units: `deadlineMs` ms that handlers have, 30,000 by default.
   * Errors: rejects with an NsqError if something could not be written.
   */
  async close(options: { readonly deadlineMs?: number } = {}): Promise<void> {
    const checks = new OptionChecks(options, ['deadlineMs']);
    const deadlineMs = checks.number('deadlineMs', CLOSE_MS, 0, CLOSE_MS_MAX);
    this.#closing ??= this.#close(deadlineMs);
    return await this.#closing;
  }

  /** Closes with the default deadline: for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #consumer<T>(
    topic: string,
    channel: string,
    options: Omit<SubscribeOptions<T>, 'concurrency'>,
  ): Consumer<T> {
    this.#life.assertOpen();
    const settings = { ...options, topic, channel, nsqd: [ADDRESS] };
    const consumer = new Consumer<T>(settings, this.#environment);
    this.#consumers.add(consumer);
    return consumer;
  }

  async #close(deadlineMs: number): Promise<void> {
    this.#life.end(closedError());
    this.#publisher.close(closedError());
    if (this.#failure !== null) return;
    const consumers = [...this.#consumers];
    await Promise.all(consumers.map((consumer) => consumer.close({ deadlineMs })));
    await this.#publisher.settled();
    // A crash may have ended it meanwhile.
    if (this.#failure !== null) return;
    try {
      const unwritten = await Promise.race([this.#nsqd.close(), this.failed]);
      if (unwritten === null) return;
      await this.#nsqd.release();
      throw new NsqError('BROKER_FAILED', unwritten);
    } finally {
      this.#publisher.abort(closedError());
      this.#life.over(closedError());
    }
  }

  async #onFailed(cause: Error): Promise<never> {
    const failure = new NsqError('BROKER_FAILED', cause.message, { cause });
    this.#failure = failure;
    this.#logger.fatal(cause.message);
    this.#life.end(failure);
    this.#publisher.close(failure);
    const late = Promise.withResolvers<string>();
    const timer = this.#clock.after(RESCUE_MS, () => late.resolve(`not within ${RESCUE_MS} ms`));
    const lost = await Promise.race([this.#nsqd.rescue().catch(errorText), late.promise]);
    timer.cancel();
    if (lost !== null) this.#logger.error(`not all messages in memory are saved to disk - ${lost}`);
    await this.#nsqd.release();
    this.#publisher.abort(failure);
    this.#life.over(failure);
    await Promise.all([...this.#consumers].map((consumer) => consumer.close({ deadlineMs: 0 })));
    throw failure;
  }
}

function closedError(): NsqError {
  return new NsqError('CLOSED', 'the broker is closed');
}
