/**
 * Calls a handler with messages, several at a time, and answers each according to the outcome.
 *
 * Bound: `concurrency` messages. Thread: any.
 */

import type { ConsumerSettings } from './consumer-options.ts';
import { processTracing } from './diagnostics.ts';
import type { Message } from './message.ts';

/**
 * Handles a message. It fails by throwing or rejecting; its result is ignored.
 *
 * @example
 * ```ts
 * import { Consumer, type Handler } from 'ringmq/client';
 *
 * const bill: Handler = async (message) => {
 *   console.log(message.text());
 * };
 * const consumer = new Consumer({ topic: 'orders', channel: 'billing', nsqd: ['127.0.0.1:4150'] });
 * consumer.once('connect', () => consumer.close());
 * await consumer.run(bill);
 * ```
 */
export type Handler<T = unknown> = (message: Message<T>) => unknown;

/**
 * Options of `run`.
 *
 * @example
 * ```ts
 * import { Consumer, type RunOptions } from 'ringmq/client';
 *
 * const options: RunOptions = { concurrency: 50 };
 * const consumer = new Consumer({ topic: 'orders', channel: 'billing', nsqd: ['127.0.0.1:4150'] });
 * consumer.once('connect', () => consumer.close());
 * await consumer.run((message) => console.log(message.id), options);
 * ```
 */
export type RunOptions = {
  /** How many messages are handled at the same time. Default: 1. */
  readonly concurrency?: number | undefined;
};

/** The consumer, as a run sees it. */
export type RunSource<T> = {
  /** Takes the next waiting message; undefined if there is none. */
  take(): Message<T> | undefined;
  /** Handles a message whose handler has failed. Resolves when it is answered or needs no answer. */
  onFailure(error: unknown, message: Message<T>): Promise<void>;
};

/** One call of `run`. */
export class HandlerRun<T> {
  /** Resolves when the consumer is closed. */
  readonly ended: Promise<void>;

  readonly #handler: Handler<T>;
  readonly #concurrency: number;
  readonly #settings: ConsumerSettings<T>;
  readonly #source: RunSource<T>;
  readonly #onEnd: () => void;
  #runningCount = 0;
  #isDispatching = false;

  constructor(
    handler: Handler<T>,
    concurrency: number,
    settings: ConsumerSettings<T>,
    source: RunSource<T>,
  ) {
    this.#handler = handler;
    this.#concurrency = concurrency;
    this.#settings = settings;
    this.#source = source;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#onEnd = resolve;
  }

  /** Starts handlers for waiting messages, up to the concurrency. */
  dispatch(): void {
    // a synchronous handler may re-enter this method
    if (this.#isDispatching) return;
    this.#isDispatching = true;
    while (this.#runningCount < this.#concurrency) {
      const message = this.#source.take();
      if (message === undefined) break;
      this.#runningCount++;
      this.#handle(message);
    }
    this.#isDispatching = false;
  }

  /** The consumer is closed. */
  end(): void {
    this.#onEnd();
  }

  #handle(message: Message<T>): void {
    let result: unknown;
    try {
      result = processTracing.hasSubscribers ? this.#traced(message) : this.#handler(message);
    } catch (error) {
      this.#onFailure(error, message);
      return;
    }
    if (isThenable(result)) {
      // a thenable of another kind may throw, or call back twice
      Promise.resolve(result).then(
        () => this.#onSuccess(message),
        (error: unknown) => this.#onFailure(error, message),
      );
    } else this.#onSuccess(message);
  }

  #traced(message: Message<T>): unknown {
    const { topic, channel } = this.#settings;
    const context = { topic, channel, message };
    return processTracing.tracePromise(async () => this.#handler(message), context);
  }

  #onSuccess(message: Message<T>): void {
    void message.finish();
    this.#onDone();
  }

  #onFailure(error: unknown, message: Message<T>): void {
    void this.#source.onFailure(error, message).then(() => this.#onDone());
  }

  #onDone(): void {
    this.#runningCount--;
    this.dispatch();
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value;
}
