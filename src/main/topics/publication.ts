/**
 * Messages on their way from a client into a topic's publish ring, in as many records as necessary. A bound accepts
 * or refuses them as a whole.
 *
 * If memory is enough, they are kept at once. If not (`--mem-queue-size=0`, a failing disk queue of the topic, or
 * queues that may be full), the pump answers when they are kept or refused.
 *
 * Thread: main.
 */

import { readUint32 } from '../../shared/big-endian.ts';
import { SIZE_BYTES } from '../../shared/limits.ts';
import type { MessageBatch } from '../pumps/message-batch.ts';
import type { TopicHandle } from './topic-map.ts';

/** Most bytes of one record, unless a single message is larger. */
const PART_BYTES_MAX = 1024 * 1024;
/** Most messages of one record: finding their ends takes main half a millisecond. */
const PART_MESSAGES_MAX = 16 * 1024;

export class Publication {
  readonly #topic: TopicHandle;
  /** The messages that are not handed over yet. */
  readonly #rest: MessageBatch;
  readonly #isAnswered: boolean;
  readonly #onKept: (error: string | null) => void;
  /** The token of the first part, if the pump answers; 0 before the first part is handed over. */
  #firstToken = 0;
  #hasBegun = false;
  #isSent = false;
  /** Pending answers, plus one until everything is handed over. */
  #waitsFor = 1;
  #error: string | null = null;

  /**
   * `isAnswered`: whether the pump answers. `onKept` is called once, with null or the reason why the messages are not
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
   * Hands over the next record if the ring has room. Returns whether everything has been handed over; if not, call it
   * again when there is room. Large publications take one record per turn, so that others get their share of main's
   * time.
   */
  send(): boolean {
    if (this.#opening !== undefined) return false;
    if (this.#rest.count > 0 && !this.#sendPart()) return false;
    if (this.#rest.count > 0) return false;
    if (!this.#isSent) {
      this.#isSent = true;
      this.#settle(null);
    }
    return true;
  }

  /**
   * Calls back when `send` can continue. A publication that has begun is completed even if its publisher disconnects:
   * it is kept as a whole or not at all.
   */
  onWritable(listener: () => void): void {
    if (this.#opening !== undefined) {
      void this.#opening.then(listener);
      return;
    }
    this.#topic.pump.onWritable(this.#topic.number, () => {
      if (this.#hasBegun && !this.send()) this.onWritable(listener);
      else listener();
    });
  }

  /**
   * Delays the answer until the promise resolves with null, or with the reason why the messages count as not kept.
   */
  holdUntil(promise: Promise<string | null>): void {
    this.#waitsFor++;
    void promise.then((error) => this.#settle(error));
  }

  /** Copies the remaining messages, because the source is about to be reused. */
  detach(): void {
    const { source, at, bytes } = this.#rest;
    this.#rest.source = Buffer.from(source.subarray(at, at + bytes));
    this.#rest.at = 0;
  }

  /** Messages of a replicated topic go to the channels in the store: those that peers know must be there first. */
  get #opening(): Promise<void> | undefined {
    const { isReplicated, opening } = this.#topic;
    return isReplicated && !this.#hasBegun ? opening : undefined;
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
