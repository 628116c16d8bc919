/**
 * A message as a consumer gets it. Nothing of it is read before it is asked for.
 *
 * Shape: timestamp(8) attempts(2) id(16) body(n), big-endian.
 * Bound: a body is a view on what came from the socket with it, 64 KiB as a rule; to keep a small body for long, copy
 * it.
 * Thread: any.
 */

import { readUint16 } from '../shared/big-endian.ts';
import { MESSAGE_HEADER_BYTES } from '../shared/limits.ts';
import type { Codec } from './body-codec.ts';

const ATTEMPTS_AT = 8;
const ID_AT = 10;
const NS_PER_MS = 1_000_000n;

/**
 * What has become of a message: `inFlight` until it is answered; `lost` when its connection went away, or when the
 * broker has taken it back because it was not answered in time. A lost message comes again.
 */
export type MessageState = 'inFlight' | 'finished' | 'requeued' | 'lost';

/** How a message is given back. */
export type RequeueOptions = {
  /** When it may come again. Default: as after a handler that failed. Units: ms. */
  readonly delayMs?: number | undefined;
  /** Whether it counts as a failure, after which the consumer slows down. Default: true. */
  readonly backoff?: boolean | undefined;
};

/**
 * The connection that a message has come on, which is the only one that may answer it.
 *
 * @internal
 */
export type MessageOwner = {
  finish(message: Message<unknown>): void;
  requeue(message: Message<unknown>, options: RequeueOptions): void;
  touch(message: Message<unknown>): void;
};

/** Answers that need no promise of their own. */
const SENT = Promise.resolve(true);
const NOT_SENT = Promise.resolve(false);

/**
 * A message. `T` is what the consumer's codec makes of its body.
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
  /** The topic that it comes from. */
  readonly topic: string;
  /** The broker that it comes from. */
  readonly address: string;

  /** @internal */
  state_: MessageState = 'inFlight';
  /** When it came. @internal */
  readonly receivedMs: number;
  /** When the broker was last asked for time. @internal */
  touchedMs: number;
  /** Its neighbours in the list of what is in flight. @internal */
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

  /** Names the message at its broker: 16 characters. */
  get id(): string {
    return this.#bytes.toString('latin1', this.#at + ID_AT, this.#at + MESSAGE_HEADER_BYTES);
  }

  /** How often it has been delivered, this time included. */
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

  /** Its bytes: a view that stays as it is, and that keeps what came together with it in memory. */
  get body(): Buffer {
    this.#body ??= this.#bytes.subarray(this.#at + MESSAGE_HEADER_BYTES, this.#end);
    return this.#body;
  }

  /** Its body as UTF-8. */
  text(): string {
    return this.#bytes.toString('utf8', this.#at + MESSAGE_HEADER_BYTES, this.#end);
  }

  /** Its body, read as JSON. Errors: throws a SyntaxError when it is not JSON. */
  json<V = unknown>(): V {
    // What is expected of a body is the caller's to know.
    return JSON.parse(this.text()) as V;
  }

  /** Its body, as the consumer's codec reads it. Errors: throws what the codec throws. */
  decode(): T {
    return this.#codec.decode(this.body);
  }

  /** What has become of it. */
  get state(): MessageState {
    return this.state_;
  }

  /**
   * Says that it is done. Resolves at once: with false when that cannot be said any more, because it was answered
   * already or is lost. The broker does not confirm: when the connection breaks now, the message comes again.
   */
  finish(): Promise<boolean> {
    if (this.state_ !== 'inFlight') return NOT_SENT;
    this.#owner.finish(this);
    return SENT;
  }

  /** Gives it back, to come again later. Resolves as `finish` does. */
  requeue(options: RequeueOptions = {}): Promise<boolean> {
    if (this.state_ !== 'inFlight') return NOT_SENT;
    this.#owner.requeue(this, options);
    return SENT;
  }

  /** Asks the broker for another `msgTimeoutMs`, which consumers do by themselves unless `autoTouch` is off. */
  touch(): Promise<boolean> {
    if (this.state_ !== 'inFlight') return NOT_SENT;
    this.#owner.touch(this);
    return SENT;
  }

  /** Where its bytes are. @internal */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Where its id is. @internal */
  get idAt(): number {
    return this.#at + ID_AT;
  }
}

/**
 * What all messages of a connection have in common.
 *
 * @internal
 */
export type MessageOrigin<T> = {
  readonly owner: MessageOwner;
  readonly codec: Codec<T>;
  readonly topic: string;
  readonly address: string;
};
