/**
 * Publishes to one broker at a time, and to the next one when that fails.
 *
 * What is published in a turn to a topic goes in one command; commands are pipelined. A publish is settled when the
 * broker has answered it: at least once is what that promises. When the connection breaks before the answer, it is
 * sent again.
 *
 * Bound: `maxQueuedBytes`, sent or not; beyond that a publish is refused. Thread: any.
 */

import { EventEmitter } from 'node:events';
import { errorText } from '../shared/error-text.ts';
import { parseTopicName } from '../shared/names.ts';
import type { Address } from './address.ts';
import { BrokerLink } from './broker-link.ts';
import { publishTracing } from './diagnostics.ts';
import { type Environment, SYSTEM } from './environment.ts';
import { ErrorReports } from './error-reports.ts';
import { NsqError } from './nsq-error.ts';
import { OptionChecks } from './option-checks.ts';
import {
  type ProducerOptions,
  type ProducerSettings,
  producerSettings,
} from './producer-options.ts';
import type { SizedBody } from './publication.ts';
import { PublishQueue } from './publish-queue.ts';

/** What a producer tells, by event. */
export type ProducerEvents = {
  /** There is a connection. */
  connect: [address: string];
  /** The connection is gone. */
  disconnect: [address: string, error: NsqError | null];
  /** Something has failed that is tried again. Without a listener, a warning of the process tells of the first one. */
  error: [error: NsqError];
  /** `writableNeedDrain` was true, and is not any more. */
  drain: [];
};

/**
 * How one call publishes.
 *
 * @example
 * ```ts
 * import { Producer, type PublishOptions } from 'ringmq/client';
 *
 * const options: PublishOptions = { delayMs: 60_000, timeoutMs: 2000 };
 * const producer = new Producer({ nsqd: ['127.0.0.1:4150'] });
 * await producer.publish('reminders', 'stand up', options);
 * await producer.close();
 * ```
 */
export type PublishOptions = {
  /**
   * Not before this time has passed is it delivered. Units: whole ms; an hour at most unless the broker allows more.
   */
  readonly delayMs?: number | undefined;
  /** Instead of the producer's. Units: ms. */
  readonly timeoutMs?: number | undefined;
  /** Gives it up: the promise is rejected with the signal's reason. If it was sent already, it may be delivered. */
  readonly signal?: AbortSignal | undefined;
};

const NO_OPTIONS: PublishOptions = {};
const OPTION_NAMES = ['delayMs', 'timeoutMs', 'signal'];
const CLOSE_MS = 30_000;
const DAY_MS = 86_400_000;

/**
 * A producer. It connects with the first publish.
 *
 * @example
 * ```ts
 * import { Producer } from 'ringmq/client';
 *
 * const producer = new Producer({ nsqd: ['127.0.0.1:4150'] });
 * await producer.publish('orders', { id: 7 });
 * await producer.publishMany('orders', [{ id: 8 }, { id: 9 }]);
 * await producer.publish('reminders', 'in a minute', { delayMs: 60_000 });
 * await producer.close();
 * ```
 */
export class Producer<T = unknown> extends EventEmitter<ProducerEvents> implements AsyncDisposable {
  readonly #settings: ProducerSettings<T>;
  readonly #link: BrokerLink;
  readonly #queue: PublishQueue;
  readonly #reports: ErrorReports;
  /** The topic of the last call, which is a topic's name. */
  #lastTopic = '';
  #connecting: PromiseWithResolvers<void> | null = null;
  #closing: Promise<void> | null = null;

  /** Connects to nothing yet. Errors: throws an NsqError when an option cannot be used. */
  constructor(options: ProducerOptions<T>);
  /** @internal */
  constructor(options: ProducerOptions<T>, environment: Environment);
  constructor(options: ProducerOptions<T>, environment: Environment = SYSTEM) {
    super();
    this.#settings = producerSettings(options);
    this.#reports = new ErrorReports(this, 'producer');
    this.#link = new BrokerLink(this.#settings, environment, {
      onReady: ({ address }) => this.#onReady(address),
      onDrain: () => this.#queue.send(),
      onLost: (address, error) => this.#onLost(address, error),
      onLinkError: (error, isHopeless) => this.#onLinkError(error, isHopeless),
    });
    this.#queue = new PublishQueue(this.#settings, environment, this.#link, () => {
      this.emit('drain');
    });
  }

  /** Whether so much waits that a publisher should wait as well: for its promises, or for the event `drain`. */
  get writableNeedDrain(): boolean {
    return this.#queue.needsDrain;
  }

  /** Bytes of messages that are not settled. */
  get queuedBytes(): number {
    return this.#queue.bytes;
  }

  /**
   * Publishes a message. Resolves when the broker has it. Bytes must stay as they are until then.
   *
   * Errors: rejects with an NsqError, or with the signal's reason.
   */
  publish(
    topic: string,
    body: T | string | Uint8Array,
    options: PublishOptions = NO_OPTIONS,
  ): Promise<void> {
    if (!publishTracing.hasSubscribers) return this.#publish(topic, [body], options);
    const context = { topic, count: 1, delayMs: options.delayMs ?? 0 };
    return publishTracing.tracePromise(() => this.#publish(topic, [body], options), context);
  }

  /**
   * Publishes several messages of a topic in one command: the broker takes all or none. More than `maxBatchMessages`,
   * or `maxBatchBytes`, go in several commands. Resolves when the broker has them all. Without any, it resolves at
   * once.
   *
   * Errors: as `publish`. When one of several commands fails, the others may have been taken.
   */
  publishMany(
    topic: string,
    bodies: readonly (T | string | Uint8Array)[],
    options: PublishOptions = NO_OPTIONS,
  ): Promise<void> {
    if (bodies.length === 0) return Promise.resolve();
    if (!publishTracing.hasSubscribers) return this.#publish(topic, bodies, options);
    const context = { topic, count: bodies.length, delayMs: options.delayMs ?? 0 };
    return publishTracing.tracePromise(() => this.#publish(topic, bodies, options), context);
  }

  /**
   * Connects before there is something to publish. Resolves when there is a connection.
   *
   * Errors: rejects with an NsqError when no broker can be reached. A publish tries again nevertheless.
   */
  connect(): Promise<void> {
    if (this.#closing !== null) return Promise.reject(closedError());
    if (this.#link.ready !== null) return Promise.resolve();
    this.#connecting ??= Promise.withResolvers<void>();
    this.#link.need();
    return this.#connecting.promise;
  }

  /**
   * Takes no more, waits until everything is settled, and leaves. What is not settled by the deadline is rejected:
   * CLOSED. Call it as often as you like.
   *
   * Units: `deadlineMs` ms from now, 30,000 by default.
   */
  close({ deadlineMs = CLOSE_MS }: { readonly deadlineMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(
      new OptionChecks({ deadlineMs }, ['deadlineMs']).number('deadlineMs', 0, 0, DAY_MS),
    );
    return this.#closing;
  }

  /** Closes with the default deadline: for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(deadlineMs: number): Promise<void> {
    this.#connecting?.reject(closedError());
    this.#connecting = null;
    await this.#queue.settle(deadlineMs, closedError);
    this.#link.close();
  }

  #publish(
    topic: string,
    bodies: readonly (T | string | Uint8Array)[],
    options: PublishOptions,
  ): Promise<void> {
    try {
      if (this.#closing !== null) throw closedError();
      this.#checkTopic(topic);
      const { delayMs, timeoutMs, signal } = this.#checked(options);
      signal?.throwIfAborted();
      const sized = bodies.map((body) => this.#sized(topic, body));
      return this.#queue.publish(topic, sized, delayMs, timeoutMs, signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #checkTopic(topic: string): void {
    if (topic === this.#lastTopic) return;
    if (typeof topic !== 'string' || parseTopicName(topic) === undefined) {
      throw new NsqError('E_BAD_TOPIC', `"${topic}" is no topic's name`, { topic });
    }
    this.#lastTopic = topic;
  }

  #checked(options: PublishOptions): {
    delayMs: number;
    timeoutMs: number;
    signal: AbortSignal | undefined;
  } {
    const { timeoutMs } = this.#settings;
    if (options === NO_OPTIONS) return { delayMs: 0, timeoutMs, signal: undefined };
    const checks = new OptionChecks(options, OPTION_NAMES);
    return {
      delayMs: checks.integer('delayMs', 0, 0, DAY_MS),
      timeoutMs: checks.number('timeoutMs', timeoutMs, 1, Number.POSITIVE_INFINITY),
      signal: options.signal,
    };
  }

  #sized(topic: string, value: T | string | Uint8Array): SizedBody {
    let body: string | Uint8Array;
    if (typeof value === 'string' || value instanceof Uint8Array) body = value;
    else {
      try {
        body = this.#settings.codec.encode(value);
      } catch (cause) {
        const what = `a message for ${topic} cannot be encoded: ${errorText(cause)}`;
        throw new NsqError('E_BAD_MESSAGE', what, { topic, cause });
      }
    }
    const bytes = typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength;
    if (bytes > 0) return { body, bytes };
    throw new NsqError('E_BAD_MESSAGE', `a message for ${topic} is empty`, { topic });
  }

  #onReady({ text }: Address): void {
    this.#connecting?.resolve();
    this.#connecting = null;
    this.emit('connect', text);
    this.#queue.send();
  }

  #onLost({ text }: Address, error: NsqError | null): void {
    this.emit('disconnect', text, error);
    if (error !== null && this.#closing === null) this.#reports.report(error);
    this.#queue.send();
  }

  #onLinkError(error: NsqError, isHopeless: boolean): void {
    this.#queue.onLinkError(error);
    if (isHopeless) {
      this.#connecting?.reject(error);
      this.#connecting = null;
    }
    this.#reports.report(error);
  }
}

function closedError(): NsqError {
  return new NsqError('CLOSED', 'the producer is closed');
}
