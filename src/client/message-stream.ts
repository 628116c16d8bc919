/**
 * The iterator behind `for await`. Several readers may run at the same time; each message goes to one of them.
 *
 * Bound: one entry per pending call of `next`. Thread: any.
 */

import { Fifo } from './fifo.ts';
import type { Message } from './message.ts';

/** The consumer, as its streams see it. */
export type StreamSource<T> = {
  /** Takes the next waiting message; undefined if there is none. */
  take(): Message<T> | undefined;
  /** A reader starts or stops. */
  addReader(): void;
  removeReader(): void;
};

type Result<T> = IteratorResult<Message<T>, undefined>;
type Waiter<T> = (result: Result<T>) => void;

const DONE = { value: undefined, done: true } as const;

/** The callers that wait for a message, over all streams of a consumer. */
export class StreamWaiters<T> {
  readonly #waiters = new Fifo<Waiter<T>>();
  isClosed = false;

  get count(): number {
    return this.#waiters.count;
  }

  wait(): Promise<Result<T>> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Gives a message to the caller that has waited longest. */
  give(message: Message<T>): void {
    this.#waiters.shift()?.({ value: message, done: false });
  }

  /** Ends all readers. */
  close(): void {
    this.isClosed = true;
    for (let next = this.#waiters.shift(); next !== undefined; next = this.#waiters.shift()) {
      next(DONE);
    }
  }
}

/** One reader of a consumer. */
export class MessageStream<T> implements AsyncIterableIterator<Message<T>, undefined> {
  readonly #source: StreamSource<T>;
  readonly #waiters: StreamWaiters<T>;
  #hasBegun = false;
  #hasEnded = false;

  constructor(source: StreamSource<T>, waiters: StreamWaiters<T>) {
    this.#source = source;
    this.#waiters = waiters;
  }

  next(): Promise<Result<T>> {
    if (this.#hasEnded || this.#waiters.isClosed) return Promise.resolve(DONE);
    if (!this.#hasBegun) {
      this.#hasBegun = true;
      this.#source.addReader();
    }
    const message = this.#waiters.count === 0 ? this.#source.take() : undefined;
    if (message !== undefined) return Promise.resolve({ value: message, done: false });
    return this.#waiters.wait();
  }

  return(): Promise<Result<T>> {
    if (this.#hasBegun && !this.#hasEnded) this.#source.removeReader();
    this.#hasEnded = true;
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}
