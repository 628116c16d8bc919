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
import { isEphemeral } from '../../shared/names.ts';
import type { Options } from '../options/options.ts';
import type { TopicHandle } from './topic-map.ts';

/** Most bytes of one record, unless a single message is larger. */
const PART_BYTES_MAX = 1024 * 1024;

export class Publication {
  readonly #topic: TopicHandle;
  #source: Buffer;
  readonly #deferMs: number;
  readonly #isAnswered: boolean;
  readonly #onKept: (error: string | null) => void;
  #at: number;
  #end: number;
  #count: number;
  /** Token of the first part, if it is answered; 0 before that is handed over. */
  #firstToken = 0;
  #hasBegun = false;
  #isSent = false;
  /** Answers to come, and one more until everything is handed over. */
  #waitsFor = 1;
  #error: string | null = null;

  /**
   * Shape: `count` times size(4, big-endian) body(size) from `at` to `end`. `isAnswered`: whether the pump is
   * asked; `onKept` is called once, with null or with why they are not kept.
   */
  constructor(
    topic: TopicHandle,
    source: Buffer,
    at: number,
    end: number,
    count: number,
    deferMs: number,
    isAnswered: boolean,
    onKept: (error: string | null) => void,
  ) {
    this.#topic = topic;
    this.#source = source;
    this.#at = at;
    this.#end = end;
    this.#count = count;
    this.#deferMs = deferMs;
    this.#isAnswered = isAnswered;
    this.#onKept = onKept;
  }

  /** Hands over what the ring has room for. Returns whether everything has been; if not, try again on room. */
  send(): boolean {
    while (this.#count > 0) if (!this.#sendPart()) return false;
    if (!this.#isSent) {
      this.#isSent = true;
      this.#settle(null);
    }
    return true;
  }

  /**
   * Calls back when it makes sense to `send` again. What is begun is brought to its end before, even if nobody
   * listens any more: a publication is kept whole, or not at all.
   */
  onRoom(listener: () => void): void {
    this.#topic.pump.onRoom(() => {
      if (this.#hasBegun && !this.send()) this.onRoom(listener);
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
    this.#source = Buffer.from(this.#source.subarray(this.#at, this.#end));
    this.#end -= this.#at;
    this.#at = 0;
  }

  #sendPart(): boolean {
    const { pump, number } = this.#topic;
    let bytes = this.#end - this.#at;
    let count = this.#count;
    if (bytes > PART_BYTES_MAX && count > 1) {
      bytes = 0;
      count = 0;
      do {
        bytes += SIZE_BYTES + readUint32(this.#source, this.#at + bytes);
        count++;
      } while (count < this.#count && bytes + this.#sizeAt(bytes) <= PART_BYTES_MAX);
    }
    const token = this.#isAnswered ? pump.nextAnswer((error) => this.#settle(error)) : 0;
    const part = {
      first: this.#firstToken,
      followingCount: this.#count - count,
      followingBytes: this.#end - this.#at - bytes,
    };
    if (!pump.publish(number, this.#source, this.#at, bytes, count, this.#deferMs, token, part)) {
      if (token !== 0) pump.forgetAnswer(token);
      return false;
    }
    if (token !== 0) this.#waitsFor++;
    if (!this.#hasBegun) this.#firstToken = token;
    this.#hasBegun = true;
    this.#at += bytes;
    this.#count -= count;
    return true;
  }

  #sizeAt(offset: number): number {
    return SIZE_BYTES + readUint32(this.#source, this.#at + offset);
  }

  #settle(error: string | null): void {
    if (error !== null) this.#error = error;
    this.#waitsFor--;
    if (this.#waitsFor === 0) this.#onKept(this.#error);
  }
}

/**
 * Whether publishers to a topic have to wait until the pump says that their messages are kept: because they are
 * written first, because writing fails, or because a full queue refuses them.
 */
export function isAnsweredByPump(
  topic: TopicHandle,
  options: Pick<Options, 'memQueueSize' | 'maxDepth' | 'maxBytes' | 'whenFull'>,
): boolean {
  if (topic.backendError !== null) return true;
  if (hasQueueBound(options) && options.whenFull === 'reject') return true;
  return options.memQueueSize === 0 && !isEphemeral(topic.name);
}

/** Whether queues have another bound than what memory and disk can hold. */
export function hasQueueBound(options: Pick<Options, 'maxDepth' | 'maxBytes'>): boolean {
  return options.maxDepth > 0 || options.maxBytes > 0;
}
