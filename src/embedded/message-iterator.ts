/**
 * The messages of a channel for one reader. A reader that stops leaves the channel; messages that are not answered by
 * then are delivered again.
 *
 * Thread: main.
 */

import type { Consumer } from '../client/consumer.ts';
import type { Message } from '../client/message.ts';
import type { MessageStream } from '../client/message-stream.ts';

type Result<T> = IteratorResult<Message<T>, undefined>;

export class MessageIterator<T> implements AsyncIterableIterator<Message<T>, undefined> {
  readonly #consumer: Consumer<T>;
  readonly #stream: MessageStream<T>;
  readonly #onEnd: () => void;

  constructor(consumer: Consumer<T>, onEnd: () => void) {
    this.#consumer = consumer;
    this.#stream = consumer[Symbol.asyncIterator]();
    this.#onEnd = onEnd;
  }

  next(): Promise<Result<T>> {
    return this.#stream.next();
  }

  async return(): Promise<Result<T>> {
    const result = await this.#stream.return();
    this.#onEnd();
    await this.#consumer.close({ deadlineMs: 0 });
    return result;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}
