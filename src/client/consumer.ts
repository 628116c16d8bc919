/**
 * Consumes the messages of one channel from all brokers that have them.
 *
 * It connects when reading starts, with `for await` or `run`. The messages of all connections wait in one queue; a
 * message is answered on the connection that delivered it.
 *
 * Bound: `maxInFlight` messages and their bodies, waiting or in a handler.
 * Thread: any. Source: go-nsq `Consumer`.
 */

import { EventEmitter } from 'node:events';
import type { Address } from './address.ts';
import { BackoffTimer } from './backoff-timer.ts';
import { Brokers } from './brokers.ts';
import { type CoarseTimer, CoarseTimers } from './coarse-timers.ts';
import type { ConsumerEvents, ConsumerStats } from './consumer-events.ts';
import {
  type ConsumerOptions,
  type ConsumerSettings,
  consumerSettings,
} from './consumer-options.ts';
import { type Environment, SYSTEM } from './environment.ts';
import { ErrorReports } from './error-reports.ts';
import { Fifo } from './fifo.ts';
import { type Handler, HandlerRun, type RunOptions } from './handler-run.ts';
import { LookupdPoller } from './lookupd-poller.ts';
import type { Message } from './message.ts';
import { MessageStream, StreamWaiters } from './message-stream.ts';
import { NsqError } from './nsq-error.ts';
import { invalid, OptionChecks } from './option-checks.ts';
import { RdyDistribution } from './rdy-distribution.ts';
import { Subscription } from './subscription.ts';

/** How often ready counts rotate among many brokers. Units: ms. */
const ROTATE_MS = 5000;
const CLOSE_MS = 30_000;
const HOUR_MS = 3_600_000;
const MAX_IN_FLIGHT = 1_000_000;

/**
 * A consumer of a channel.
 *
 * @example
 * ```ts
 * import { Consumer } from 'ringmq/client';
 *
 * const consumer = new Consumer({ topic: 'orders', channel: 'billing', nsqd: ['127.0.0.1:4150'] });
 * process.once('SIGTERM', () => consumer.close());
 * await consumer.run(
 *   async (message) => {
 *     const order = message.json<{ id: number }>();
 *     console.log(`billing order ${order.id}`);
 *   },
 *   { concurrency: 20 },
 * );
 * ```
 */
export class Consumer<T = unknown>
  extends EventEmitter<ConsumerEvents<T>>
  implements AsyncIterable<Message<T>>, AsyncDisposable
{
  readonly #settings: ConsumerSettings<T>;
  readonly #environment: Environment;
  readonly #brokers: Brokers<T>;
  readonly #poller: LookupdPoller | null;
  readonly #distribution: RdyDistribution;
  readonly #backoff: BackoffTimer;
  readonly #queue = new Fifo<Message<T>>();
  readonly #waiters = new StreamWaiters<T>();
  readonly #reports: ErrorReports;
  readonly #rotateTimer: CoarseTimer;
  #run: HandlerRun<T> | null = null;
  #readerCount = 0;
  #hasStarted = false;
  #isPaused = false;
  #isSettling = false;
  #closing: Promise<void> | null = null;
  #inFlightCount = 0;
  #receivedCount = 0;
  #finishedCount = 0;
  #requeuedCount = 0;
  #touchedCount = 0;
  #discardedCount = 0;
  #lostCount = 0;

  /** Does not connect yet. Errors: throws an NsqError if an option is invalid. */
  constructor(options: ConsumerOptions<T>);
  /** @internal */
  constructor(options: ConsumerOptions<T>, environment: Environment);
  constructor(options: ConsumerOptions<T>, environment: Environment = SYSTEM) {
    super();
    const settings = consumerSettings(options);
    this.#settings = settings;
    this.#environment = environment;
    const { topic, lookupd, maxInFlight, maxReconnectMs } = settings;
    this.#distribution = new RdyDistribution(maxInFlight, environment.random);
    this.#reports = new ErrorReports(this, () => `consumer of ${topic}/${settings.channel}`);
    this.#rotateTimer = CoarseTimers.of(environment.clock).timer((nowMs) => this.#onRotate(nowMs));
    this.#backoff = new BackoffTimer(settings.backoff, environment, {
      onBackoff: (level, delayMs) => {
        this.#updateFlow();
        this.emit('backoff', level, delayMs);
      },
      onProbe: () => this.#updateFlow(),
      onResume: () => {
        this.#updateFlow();
        this.emit('resume');
      },
    });
    this.#brokers = new Brokers(maxReconnectMs, environment, {
      subscriptionTo: (address) => this.#subscriptionTo(address),
      onSubscribed: (subscription) => this.#onSubscribed(subscription),
      onConnectError: (error) => this.#reports.report(error),
      onBrokerLost: () => this.#poller?.pollSoon(),
    });
    const listener = {
      onFound: (addresses: readonly Address[]) => this.#brokers.addListed(addresses),
      onRound: (addresses: readonly string[]) => this.emit('lookup', addresses),
      onLookupError: (error: NsqError) => this.#reports.report(error),
    };
    this.#poller = lookupd && new LookupdPoller(topic, lookupd, environment, listener);
  }

  /**
   * Calls the handler with each message, and resolves when the consumer is closed. When the handler returns or its
   * promise is fulfilled, the message is finished; when it fails, the message is requeued, or discarded after
   * `maxAttempts`. A handler may also answer the message itself. Call it only once per consumer, and not together
   * with `for await`.
   */
  async run(handler: Handler<T>, options: RunOptions = {}): Promise<void> {
    this.#assertOpen();
    if (this.#readerCount > 0) throw invalid('handler', 'this consumer already has a reader');
    const checks = new OptionChecks(options, ['concurrency']);
    const concurrency = checks.integer('concurrency', 1, 1, MAX_IN_FLIGHT);
    this.#run = new HandlerRun(handler, concurrency, this.#settings, {
      take: () => this.take(),
      onFailure: (error, message) => this.#onFailure(error, message),
    });
    this.addReader();
    await this.#run.ended;
  }

  /** Reads messages one by one. The reader must answer each. */
  [Symbol.asyncIterator](): MessageStream<T> {
    if (this.#run !== null && this.#closing === null)
      throw invalid('iterator', 'a handler already reads this consumer');
    return new MessageStream(this, this.#waiters);
  }

  /** Stops delivery until `resume`. Messages that have already arrived are still handled. */
  pause(): void {
    this.#isPaused = true;
    this.#updateFlow();
  }

  /** Ends a pause. */
  resume(): void {
    this.#isPaused = false;
    this.#updateFlow();
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Changes how many messages may be unanswered at the same time. */
  setMaxInFlight(count: number): void {
    const checks = new OptionChecks({ maxInFlight: count }, ['maxInFlight']);
    this.#distribution.setMaxInFlight(checks.integer('maxInFlight', 1, 1, MAX_IN_FLIGHT));
    this.#keepRotating();
  }

  /** The consumer's counters. */
  stats(): ConsumerStats {
    return {
      connectionCount: this.#brokers.open.length,
      inFlightCount: this.#inFlightCount,
      waitingCount: this.#queue.count,
      receivedCount: this.#receivedCount,
      finishedCount: this.#finishedCount,
      requeuedCount: this.#requeuedCount,
      touchedCount: this.#touchedCount,
      discardedCount: this.#discardedCount,
      lostCount: this.#lostCount,
      backoffLevel: this.#backoff.level,
    };
  }

  /**
   * Stops delivery, requeues the messages that no one has taken, and waits until the others are answered; those that
   * are not answered by the deadline are redelivered to other consumers. Ends every `for await` and `run`.
   * Idempotent.
   *
   * Do not await it in a handler, or in a loop whose message is unanswered: it would wait for itself.
   *
   * Units: `deadlineMs` ms from now, 30,000 by default.
   */
  close({ deadlineMs = CLOSE_MS }: { readonly deadlineMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(
      new OptionChecks({ deadlineMs }, ['deadlineMs']).number('deadlineMs', 0, 0, 24 * HOUR_MS),
    );
    return this.#closing;
  }

  /** Closes with the default deadline: for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Takes the next waiting message. @internal */
  take(): Message<T> | undefined {
    const { maxAttempts } = this.#settings;
    for (let message = this.#queue.shift(); message !== undefined; message = this.#queue.shift()) {
      if (message.state_ !== 'inFlight') continue;
      if (maxAttempts === 0 || message.attempts <= maxAttempts) return message;
      void this.#discard(message, undefined);
    }
    return undefined;
  }

  /** A reader has started. @internal */
  addReader(): void {
    this.#readerCount++;
    if (!this.#hasStarted && this.#closing === null) {
      this.#hasStarted = true;
      this.#brokers.addFixed(this.#settings.addresses);
      this.#poller?.poll();
    }
    this.#updateFlow();
  }

  /** A reader has stopped. @internal */
  removeReader(): void {
    this.#readerCount--;
    this.#updateFlow();
    if (this.#readerCount === 0) this.#giveBack();
  }

  // Events of subscriptions.

  #subscriptionTo(address: Address): Subscription<T> {
    return new Subscription(address, this.#settings, this.#environment, {
      onMessage: (message) => {
        this.#receivedCount++;
        this.#inFlightCount++;
        this.#queue.push(message);
      },
      onMessages: () => this.#dispatch(),
      onFinished: () => {
        this.#finishedCount++;
        this.#onAnswered();
        if (this.#backoff.level > 0) this.#backoff.success();
      },
      requeueDelayMs: (attempts) => this.#requeueDelayMs(attempts),
      onRequeued: (isFailure) => {
        this.#requeuedCount++;
        this.#onAnswered();
        if (isFailure && this.#closing === null) this.#backoff.failure();
      },
      onTouched: () => {
        this.#touchedCount++;
      },
      onExpired: () => {
        this.#lostCount++;
        this.#onAnswered();
      },
      onRefusal: (error) => this.#reports.report(error),
      onClose: (subscription, error, lostCount) => this.#onClosed(subscription, error, lostCount),
    });
  }

  #onSubscribed(subscription: Subscription<T>): void {
    this.#distribution.add(subscription);
    this.#keepRotating();
    this.emit('connect', subscription.address.text);
  }

  #onClosed(subscription: Subscription<T>, error: NsqError | null, lostCount: number): void {
    this.#inFlightCount -= lostCount;
    this.#lostCount += lostCount;
    this.#distribution.remove(subscription);
    this.#brokers.closed(subscription);
    this.emit('disconnect', subscription.address.text, error);
    if (error !== null && this.#closing === null) this.#reports.report(error);
  }

  #onAnswered(): void {
    this.#inFlightCount--;
    if (!this.#distribution.isOwed || this.#isSettling) return;
    this.#isSettling = true;
    // once for all messages that are answered in this turn
    process.nextTick(() => {
      this.#isSettling = false;
      this.#distribution.distribute();
    });
  }

  // The path of a message.

  #dispatch(): void {
    if (this.#readerCount === 0 || this.#closing !== null) this.#giveBack();
    else if (this.#run !== null) this.#run.dispatch();
    else {
      while (this.#waiters.count > 0) {
        const message = this.take();
        if (message === undefined) return;
        this.#waiters.give(message);
      }
    }
  }

  /** Requeues the messages that no one has taken. */
  #giveBack(): void {
    for (let message = this.#queue.shift(); message !== undefined; message = this.#queue.shift()) {
      void message.requeue({ delayMs: 0, backoff: false });
    }
  }

  /** Handles a failure of a handler. */
  async #onFailure(error: unknown, message: Message<T>): Promise<void> {
    this.emit('failure', error, message);
    if (message.state_ !== 'inFlight') return;
    const { maxAttempts } = this.#settings;
    if (maxAttempts === 0 || message.attempts < maxAttempts) {
      void message.requeue();
      return;
    }
    if (this.#closing === null) this.#backoff.failure();
    await this.#discard(message, error);
  }

  async #discard(message: Message<T>, error: unknown): Promise<void> {
    this.#discardedCount++;
    this.emit('discard', message, error);
    try {
      await this.#settings.onDiscard?.(message, error);
      void message.finish();
    } catch (cause) {
      this.emit('failure', cause, message);
      void message.requeue();
    }
  }

  #requeueDelayMs(attempts: number): number {
    const { requeueDelayMs, maxRequeueDelayMs, backoff } = this.#settings;
    const fullMs = Math.min(maxRequeueDelayMs, requeueDelayMs * 2 ** (attempts - 1));
    return fullMs * (1 - backoff.jitter * this.#environment.random());
  }

  // Flow control.

  #updateFlow(): void {
    if (this.#isPaused || this.#readerCount === 0 || this.#closing !== null) {
      this.#distribution.setFlow('stopped');
    } else if (this.#backoff.level === 0) this.#distribution.setFlow('flowing');
    else this.#distribution.setFlow(this.#backoff.isWaiting ? 'stopped' : 'probing');
    this.#keepRotating();
  }

  #keepRotating(): void {
    if (!this.#distribution.isRotating) this.#rotateTimer.clear();
    else if (!this.#rotateTimer.isSet) this.#rotateTimer.setIn(ROTATE_MS);
  }

  #onRotate(nowMs: number): void {
    this.#distribution.rotate(nowMs);
    this.#keepRotating();
  }

  // Closing.

  async #close(deadlineMs: number): Promise<void> {
    const open = this.#brokers.open;
    this.#poller?.close();
    this.#brokers.close();
    this.#backoff.close();
    this.#rotateTimer.clear();
    this.#waiters.close();
    const drained = Promise.all(open.map((subscription) => subscription.drain()));
    // after CLS to all brokers
    this.#distribution.setFlow('stopped');
    this.#giveBack();
    const { promise: isLate, resolve: onDeadline } = Promise.withResolvers<void>();
    const timers = CoarseTimers.of(this.#environment.clock);
    const timer = timers.timer(() => onDeadline(), { holdsProcess: true });
    timer.setIn(deadlineMs);
    await Promise.race([drained, isLate]);
    timer.clear();
    await Promise.all(open.map((subscription) => subscription.close()));
    this.#run?.end();
  }

  #assertOpen(): void {
    if (this.#closing === null) return;
    const { topic } = this.#settings;
    throw new NsqError('CLOSED', 'the consumer is closed', { topic });
  }
}
