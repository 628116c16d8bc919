/**
 * Publishes to one broker at a time, and to the next one when it fails.
 *
 * Messages published to a topic in one turn are sent with one command; commands are pipelined. A publish is settled
 * when the broker has answered it. Delivery is at least once: if the connection breaks before the answer, the
 * messages are resent.
 *
 * Bound: `maxQueuedBytes`, sent or not; beyond that a publish is rejected. Thread: any.
 */

import { EventEmitter } from 'node:events';
import { errorText, valueText } from '../shared/error-text.ts';
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

/**
 * The events of a producer.
 *
 * @example
 * ```ts
 * import { Producer } from 'ringmq/client';
 *
 * const producer = new Producer({ nsqd: ['127.0.0.1:4150'] });
 * producer.on('connect', (address) => console.log('connected to', address));
 * producer.on('disconnect', (address, error) => console.log('left', address, error?.message));
 * producer.on('error', (error) => console.error('tried again:', error.message));
 * await producer.publish('orders', { id: 7 });
 * await producer.close();
 * ```
 */
export type ProducerEvents = {
  /** A connection is open. */
  connect: [address: string];
  /** The connection has ended. */
  disconnect: [address: string, error: NsqError | null];
  /** A failure that the producer retries. Without a listener, the first one is reported as a process warning. */
  error: [error: NsqError];
  /** `writableNeedDrain` has become false. */
  drain: [];
};

/**
 * Options of a publish.
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
  /** The delay before delivery. Units: whole ms; at most an hour unless the broker allows more. */
  readonly delayMs?: number | undefined;
  /** Replaces the producer's timeout. Units: ms. */
  readonly timeoutMs?: number | undefined;
  /**
   * Cancels the publish: the promise is rejected with the signal's reason. A message that was already sent may still
   * be delivered.
   */
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
  /** The topic of the last call, known to be valid. */
  #lastTopic = '';
  #connecting: PromiseWithResolvers<void> | null = null;
  #closing: Promise<void> | null = null;

  /** Does not connect yet. Errors: throws an NsqError if an option is invalid. */
  constructor(options: ProducerOptions<T>);
  /** @internal */
  constructor(options: ProducerOptions<T>, environment: Environment);
  constructor(options: ProducerOptions<T>, environment: Environment = SYSTEM) {
    super();
    this.#settings = producerSettings(options);
    this.#reports = new ErrorReports(this, () => 'producer');
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

  /** Whether the caller should pause publishing, until its promises settle or the event `drain`. */
  get writableNeedDrain(): boolean {
    return this.#queue.needsDrain;
  }

  /** Bytes of messages that are not settled. */
  get queuedBytes(): number {
    return this.#queue.bytes;
  }

  /**
   * Publishes a message. Resolves when the broker has accepted it. Do not change the bytes before.
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
   * Publishes several messages to a topic in one command: the broker accepts all or none. More than
   * `maxBatchMessages` or `maxBatchBytes` are split into several commands. Resolves when the broker has accepted all,
   * or at once if there are none.
   *
   * Errors: as `publish`. If one of several commands fails, the others may have been accepted.
   */
  publishMany(
    topic: string,
    bodies: readonly (T | string | Uint8Array)[],
    options: PublishOptions = NO_OPTIONS,
  ): Promise<void> {
    if (!Array.isArray(bodies)) {
      const what = `the messages are not an array, but ${valueText(bodies)}`;
      return Promise.reject(new NsqError('E_BAD_MESSAGE', what));
    }
    if (bodies.length === 0) return Promise.resolve();
    if (!publishTracing.hasSubscribers) return this.#publish(topic, bodies, options);
    const context = { topic, count: bodies.length, delayMs: options.delayMs ?? 0 };
    return publishTracing.tracePromise(() => this.#publish(topic, bodies, options), context);
  }

  /**
   * Connects before the first publish. Resolves when a connection is open.
   *
   * Errors: rejects with an NsqError if no broker can be reached. A later publish tries again.
   */
  connect(): Promise<void> {
    if (this.#closing !== null) return Promise.reject(closedError());
    if (this.#link.ready !== null) return Promise.resolve();
    this.#connecting ??= Promise.withResolvers<void>();
    this.#link.need();
    return this.#connecting.promise;
  }

  /**
   * Accepts no more publishes, waits until all are settled, and disconnects. Publishes that are not settled by the
   * deadline are rejected with CLOSED. Idempotent.
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
      // Holes are read as undefined, which is no message.
      const sized = Array.from(bodies, (body) => this.#sized(topic, body));
      return this.#queue.publish(topic, sized, delayMs, timeoutMs, signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #checkTopic(topic: string): void {
    if (topic === this.#lastTopic) return;
    if (typeof topic !== 'string' || parseTopicName(topic) === undefined) {
      const name = valueText(topic);
      throw new NsqError('E_BAD_TOPIC', `"${name}" is not a topic's name`, { topic: name });
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
        if (typeof body !== 'string' && !(body instanceof Uint8Array)) {
          throw new TypeError(`the codec returned ${valueText(body)}, not a text or bytes`);
        }
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
