/**
 * Pulls messages of one channel, as long as its pump wants some: a subscription, and a request for each pull.
 *
 * A request ends when it is satisfied, after some seconds, or when the store says so. When the pull is cancelled, the
 * subscription is drained: messages that the server has already sent still arrive, so that they can be returned.
 *
 * Thread: stream.
 */

import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import type { Clock, Timer } from '../../../shared/clock.ts';
import type { Pull, PullListener, StoredMessage } from '../stream-store.ts';
import { DUE_HEADER } from './nats-publishes.ts';

/** How long a request waits for messages, and how much longer for its end. Units: ms. */
const EXPIRES_MS = 3000;
const GRACE_MS = 1000;
/** Delay after a request that failed, so that the next one does not follow at once. */
const PAUSE_MS = 250;
const NS_PER_MS = 1e6;

const NOT_FOUND = 404;
const TIMED_OUT = 408;
const TOO_LARGE = 'Message Size Exceeds MaxBytes';

/** Tokens of `$JS.ACK…`: with the account and domain of newer servers, or without. */
const SHORT_TOKENS = 9;
const SHORT_FIRST = 4;
const LONG_FIRST = 6;

/** The dependencies of a pull. */
export type NatsPullOptions = {
  readonly nc: NatsConnection;
  readonly clock: Pick<Clock, 'after'>;
  readonly stream: string;
  readonly consumer: string;
  /** A unique subject. */
  readonly inbox: string;
  readonly count: number;
  readonly bytes: number;
  readonly listener: PullListener;
};

export class NatsPull implements Pull {
  readonly stream: string;
  readonly consumer: string;
  readonly #options: NatsPullOptions;
  readonly #subscription: Subscription;
  #left: number;
  #hasReceived = false;
  #isEnded = false;
  #timer: Timer;

  constructor(options: NatsPullOptions) {
    this.#options = options;
    this.stream = options.stream;
    this.consumer = options.consumer;
    this.#left = options.count;
    this.#subscription = options.nc.subscribe(options.inbox, {
      callback: (error, message) => {
        if (error === null) this.#onMessage(message);
      },
    });
    this.#request(options.count, options.bytes);
    this.#timer = this.#endAfter(EXPIRES_MS + GRACE_MS);
  }

  cancel(): void {
    if (this.#isEnded) return;
    this.#timer.cancel();
    const end = (): void => this.end();
    this.#subscription.drain().then(end, end);
  }

  /** Ends it now, regardless of messages on their way. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#timer.cancel();
    if (!this.#subscription.isClosed()) this.#subscription.unsubscribe();
    this.#options.listener.onEnd();
  }

  #request(batch: number, bytes: number | null): void {
    const { nc, stream, consumer, inbox } = this.#options;
    const request = {
      batch,
      expires: EXPIRES_MS * NS_PER_MS,
      ...(bytes === null ? {} : { max_bytes: bytes }),
    };
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`;
    nc.publish(subject, JSON.stringify(request), { reply: inbox });
  }

  #onMessage(message: Msg): void {
    if (message.reply === undefined || message.reply === '') {
      this.#onStatus(message);
      return;
    }
    this.#hasReceived = true;
    this.#left--;
    this.#options.listener.onMessage(storedMessage(message, message.reply));
    if (this.#left === 0) this.end();
  }

  #onStatus({ headers }: Msg): void {
    if (this.#isEnded || headers === undefined) return;
    const { code, description } = headers;
    if (description === TOO_LARGE && !this.#hasReceived) {
      // The next message alone exceeds the requested bytes.
      this.#left = 1;
      this.#request(1, null);
      return;
    }
    const isExpected = code === NOT_FOUND || code === TIMED_OUT || description === TOO_LARGE;
    if (isExpected) this.end();
    else {
      this.#timer.cancel();
      this.#timer = this.#endAfter(PAUSE_MS);
    }
  }

  #endAfter(delayMs: number): Timer {
    return this.#options.clock.after(delayMs, () => this.end());
  }
}

/** Parses the data about a message from its reply subject. */
function storedMessage(message: Msg, receipt: string): StoredMessage {
  const tokens = receipt.split('.');
  const first = tokens.length === SHORT_TOKENS ? SHORT_FIRST : LONG_FIRST;
  const deliveries = Number(tokens[first]);
  const dueMs = Number(message.headers?.get(DUE_HEADER) ?? 0);
  return {
    body: message.data,
    sequence: Number(tokens[first + 1]),
    // A message that arrived before its due time was returned without a delivery to a consumer.
    deliveries: dueMs > 0 && deliveries > 1 ? deliveries - 1 : deliveries,
    timestampNs: BigInt(tokens[first + 3]),
    dueMs,
    receipt,
    unread: Number(tokens[first + 4]),
  };
}
