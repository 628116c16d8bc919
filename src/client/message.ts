/**
 * A message as a consumer receives it. Its fields are decoded on access.
 *
 * Shape: timestamp(8) attempts(2) id(16) body(n), big-endian.
 * Bound: a body is a view of the memory of a socket read, usually 64 KiB; to keep a small body for long, copy it.
 * Thread: any.
 */

import { readUint16 } from '../shared/big-endian.ts';
import { MESSAGE_HEADER_BYTES } from '../shared/limits.ts';
import type { Codec } from './body-codec.ts';

const ATTEMPTS_AT = 8;
const ID_AT = 10;
const NS_PER_MS = 1_000_000n;

/**
 * The state of a message: `inFlight` until it is answered; `lost` after its connection is lost or the message has
 * timed out at the broker. A lost message is redelivered.
 *
 * @example
 * ```ts
 * import { Consumer, type MessageState } from 'ringmq/client';
 *
 * const consumer = new Consumer({ topic: 'orders', channel: 'billing', nsqd: ['127.0.0.1:4150'] });
 * for await (const message of consumer) {
 *   await message.finish();
 *   const state: MessageState = message.state;
 *   console.log(state); // finished
 *   break;
 * }
 * await consumer.close();
 * ```
 */
export type MessageState = 'inFlight' | 'finished' | 'requeued' | 'lost';

/**
 * Options of `requeue`.
 *
 * @example
 * ```ts
 * import { Consumer, type RequeueOptions } from 'ringmq/client';
 *
 * const later: RequeueOptions = { delayMs: 3_000_000, backoff: false };
 * const consumer = new Consumer({ topic: 'orders', channel: 'billing', nsqd: ['127.0.0.1:4150'] });
 * await consumer.run(async (message) => {
 *   if (message.attempts === 1) await message.requeue(later);
 *   void consumer.close();
 * });
 * ```
 */
export type RequeueOptions = {
  /** The delay before redelivery. Default: the same as after a handler's failure. Units: ms. */
  readonly delayMs?: number | undefined;
  /** Whether it counts as a failure for the consumer's backoff. Default: true. */
  readonly backoff?: boolean | undefined;
};

/**
 * The connection that delivered a message, which is the only one that can answer it.
 *
 * @internal
 */
export type MessageOwner = {
  finish(message: Message<unknown>): void;
  requeue(message: Message<unknown>, options: RequeueOptions): void;
  touch(message: Message<unknown>): void;
};

/** The shared result of answers that succeed. */
const SENT = Promise.resolve(true);
const NOT_SENT = Promise.resolve(false);

/**
 * A message. `T` is the type that the consumer's codec decodes.
 *
 * @example
 * ```ts
 * import { Consumer } from 'ringmq/client';
 *
 * const consumer = new Consumer({ topic: 'orders', channel: 'billing', nsqd: ['127.0.0.1:4150'] });
 * for await (const message of consumer) {
 *   const order = message.json<{ id: number }>();
 *   console.log(message.id, message.attempts, order.id);
 *   await message.finish();
 *   break;
 * }
 * await consumer.close();
 * ```
 */
export class Message<T = unknown> {
  /** The topic. */
  readonly topic: string;
  /** The broker's address. */
  readonly address: string;

  /** @internal */
  state_: MessageState = 'inFlight';
  /** When it arrived. @internal */
  readonly receivedMs: number;
  /** When it was last touched. @internal */
  touchedMs: number;
  /** Its neighbours in the in-flight list. @internal */
  older: Message<unknown> | null = null;
  /** @internal */
  newer: Message<unknown> | null = null;

  readonly #bytes: Buffer;
  readonly #at: number;
  readonly #end: number;
  readonly #owner: MessageOwner;
  readonly #codec: Codec<T>;
  #body: Buffer | null = null;

  /** @internal */
  constructor(
    bytes: Buffer,
    at: number,
    end: number,
    origin: MessageOrigin<T>,
    receivedMs: number,
  ) {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
    this.#owner = origin.owner;
    this.#codec = origin.codec;
    this.topic = origin.topic;
    this.address = origin.address;
    this.receivedMs = receivedMs;
    this.touchedMs = receivedMs;
  }

  /** The id of the message at its broker: 16 characters. */
  get id(): string {
    return this.#bytes.toString('latin1', this.#at + ID_AT, this.#at + MESSAGE_HEADER_BYTES);
  }

  /** How many times it has been delivered, including this one. */
  get attempts(): number {
    return readUint16(this.#bytes, this.#at + ATTEMPTS_AT);
  }

  /** When it was published, by the broker's clock. Units: ns since 1970. */
  get timestamp(): bigint {
    return this.#bytes.readBigInt64BE(this.#at);
  }

  /** When it was published, by the broker's clock. Units: ms since 1970. */
  get timestampMs(): number {
    return Number(this.timestamp / NS_PER_MS);
  }

  /** The body: a view that does not change, and that keeps the whole socket read in memory. */
  get body(): Buffer {
    this.#body ??= this.#bytes.subarray(this.#at + MESSAGE_HEADER_BYTES, this.#end);
    return this.#body;
  }

  /** The body as UTF-8. */
  text(): string {
    return this.#bytes.toString('utf8', this.#at + MESSAGE_HEADER_BYTES, this.#end);
  }

  /** The body, parsed as JSON. Errors: throws a SyntaxError if it is not JSON. */
  json<V = unknown>(): V {
    // The caller knows the type of its bodies.
    return JSON.parse(this.text()) as V;
  }

  /** The body, decoded with the consumer's codec. Errors: throws the codec's errors. */
  decode(): T {
    return this.#codec.decode(this.body);
  }

  /** The state of the message. */
  get state(): MessageState {
    return this.state_;
  }

  /**
   * Finishes the message. Resolves at once: with false if it is already answered or lost. The broker does not
   * confirm: if the connection breaks now, the message is redelivered.
   */
  finish(): Promise<boolean> {
    if (this.state_ !== 'inFlight') return NOT_SENT;
    this.#owner.finish(this);
    return SENT;
  }

  /** Requeues the message for a later delivery. Resolves as `finish` does. */
  requeue(options: RequeueOptions = {}): Promise<boolean> {
    if (this.state_ !== 'inFlight') return NOT_SENT;
    this.#owner.requeue(this, options);
    return SENT;
  }

  /** Restarts the message timeout at the broker. Consumers do this automatically unless `autoTouch` is false. */
  touch(): Promise<boolean> {
    if (this.state_ !== 'inFlight') return NOT_SENT;
    this.#owner.touch(this);
    return SENT;
  }

  /** The memory that holds it. @internal */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** The offset of its id. @internal */
  get idAt(): number {
    return this.#at + ID_AT;
  }
}

/**
 * What all messages of a connection share.
 *
 * @internal
 */
export type MessageOrigin<T> = {
  readonly owner: MessageOwner;
  readonly codec: Codec<T>;
  readonly topic: string;
  readonly address: string;
};
