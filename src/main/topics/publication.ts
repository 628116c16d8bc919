/**
 * Messages on their way from a client into a topic's publish ring, in as many records as it takes. A bound takes them
 * or refuses them as a whole.
 *
 * Whether they are kept is known at once where memory is enough. Where it is not (`--mem-queue-size=0`, a disk
 * queue of the topic that fails, or queues that may be full) the pump answers when they are kept, or cannot be.
 *
 * Thread: main.
 */

import { readUint32 } from '../../shared/big-endian.ts';
import { SIZE_BYTES } from '../../shared/limits.ts';
import type { MessageBatch } from '../pumps/message-batch.ts';
import type { TopicHandle } from './topic-map.ts';

/** Most bytes of one record, unless a single message is larger. */
const PART_BYTES_MAX = 1024 * 1024;
/** Most messages of one record: looking for their ends takes main half a millisecond. */
const PART_MESSAGES_MAX = 16 * 1024;

export class Publication {
  readonly #topic: TopicHandle;
  /** What is not handed over yet. */
  readonly #rest: MessageBatch;
  readonly #isAnswered: boolean;
  readonly #onKept: (error: string | null) => void;
  /** Token of the first part, if it is answered; 0 before that is handed over. */
  #firstToken = 0;
  #hasBegun = false;
  #isSent = false;
  /** Answers to come, and one more until everything is handed over. */
  #waitsFor = 1;
  #error: string | null = null;

  /**
   * `isAnswered`: whether the pump is asked; `onKept` is called once, with null or with why the messages are not
   * kept.
   */
  constructor(
    topic: TopicHandle,
    batch: MessageBatch,
    isAnswered: boolean,
    onKept: (error: string | null) => void,
  ) {
    this.#topic = topic;
    this.#rest = { ...batch };
    this.#isAnswered = isAnswered;
    this.#onKept = onKept;
  }

  /**
   * Hands over the next record, if the ring has room. Returns whether everything has been handed over; if not, try
   * again on room: what is large goes in one record a turn, so that others have their share of main's time.
   */
  send(): boolean {
    if (this.#rest.count > 0 && !this.#sendPart()) return false;
    if (this.#rest.count > 0) return false;
    if (!this.#isSent) {
      this.#isSent = true;
      this.#settle(null);
    }
    return true;
  }

  /**
   * Calls back when it makes sense to `send` again. A publication that has begun is completed first, even if nobody
   * listens any more: a publication is kept whole, or not at all.
   */
  onWritable(listener: () => void): void {
    this.#topic.pump.onWritable(this.#topic.number, () => {
      if (this.#hasBegun && !this.send()) this.onWritable(listener);
      else listener();
    });
  }

  /** Nothing is answered before this has resolved: with null, or with why the messages count as not kept. */
  holdUntil(promise: Promise<string | null>): void {
    this.#waitsFor++;
    void promise.then((error) => this.#settle(error));
  }

  /** Copies what is not handed over, because the source is about to be reused. */
  detach(): void {
    const { source, at, bytes } = this.#rest;
    this.#rest.source = Buffer.from(source.subarray(at, at + bytes));
    this.#rest.at = 0;
  }

  #sendPart(): boolean {
    const { pump, number } = this.#topic;
    const rest = this.#rest;
    const sent = this.#nextPart();
    const token = this.#isAnswered ? pump.nextAnswer((error) => this.#settle(error)) : 0;
    const part = {
      first: this.#firstToken,
      followingCount: rest.count - sent.count,
      followingBytes: rest.bytes - sent.bytes,
    };
    if (!pump.publish(number, sent, token, part)) {
      if (token !== 0) pump.forgetAnswer(token);
      return false;
    }
    if (token !== 0) this.#waitsFor++;
    if (!this.#hasBegun) this.#firstToken = token;
    this.#hasBegun = true;
    rest.at += sent.bytes;
    rest.bytes -= sent.bytes;
    rest.count -= sent.count;
    return true;
  }

  /** The whole messages that fit the next record, or a single one that is larger. */
  #nextPart(): MessageBatch {
    const { source, at, bytes, count } = this.#rest;
    if ((bytes <= PART_BYTES_MAX && count <= PART_MESSAGES_MAX) || count === 1) return this.#rest;
    const part = { ...this.#rest, bytes: 0, count: 0 };
    do {
      part.bytes += SIZE_BYTES + readUint32(source, at + part.bytes);
      part.count++;
    } while (
      part.count < Math.min(count, PART_MESSAGES_MAX) &&
      part.bytes + SIZE_BYTES + readUint32(source, at + part.bytes) <= PART_BYTES_MAX
    );
    return part;
  }

  #settle(error: string | null): void {
    if (error !== null) this.#error = error;
    this.#waitsFor--;
    if (this.#waitsFor === 0) this.#onKept(this.#error);
  }
}
