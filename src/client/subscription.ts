/**
 * A consumer's subscription at one broker: the connection, its ready count, and the messages in flight on it.
 *
 * A message can only be answered on the connection that delivered it: when the connection ends, its messages are lost
 * to this consumer, and the broker redelivers them.
 *
 * Thread: any.
 */

import { errorText } from '../shared/error-text.ts';
import type { Address } from './address.ts';
import { type CoarseTimer, CoarseTimers } from './coarse-timers.ts';
import type { ConnectionOwner } from './connection-owner.ts';
import type { ConsumerConnection } from './consumer-connection.ts';
import type { ConsumerSettings } from './consumer-options.ts';
import type { Environment } from './environment.ts';
import { type AnyMessage, InFlightList } from './in-flight-list.ts';
import { Message, type MessageOrigin, type MessageOwner, type RequeueOptions } from './message.ts';
import type { Grant } from './negotiation.ts';
import { NsqError } from './nsq-error.ts';
import { NsqdConnection } from './nsqd-connection.ts';
import type { RdyMember } from './rdy-distribution.ts';

const CLOSE_WAIT = 'CLOSE_WAIT';
/** An unanswered message is touched after this share of its timeout. */
const TOUCH_SHARE = 0.5;

/** The consumer, as its subscriptions see it. */
export type SubscriptionOwner<T> = {
  onMessage(message: Message<T>): void;
  /** All messages of one read have been passed to `onMessage`. */
  onMessages(): void;
  onFinished(): void;
  /** The default delay of a requeue. Units: ms. */
  requeueDelayMs(attempts: number): number;
  onRequeued(isFailure: boolean): void;
  onTouched(): void;
  /** A message has timed out at the broker. */
  onExpired(): void;
  onRefusal(error: NsqError): void;
  /** An open subscription has ended. `lostCount` messages are redelivered. */
  onClose(subscription: Subscription<T>, error: NsqError | null, lostCount: number): void;
};

/** A consumer's subscription at one broker. */
export class Subscription<T> implements ConnectionOwner, MessageOwner, RdyMember {
  readonly address: Address;
  rdy = 0;
  rdyMax = 0;
  lastRdyMs = 0;
  lastMessageMs: number;

  readonly #settings: ConsumerSettings<T>;
  readonly #environment: Environment;
  readonly #owner: SubscriptionOwner<T>;
  readonly #connection: ConsumerConnection;
  readonly #inFlight = new InFlightList();
  readonly #origin: MessageOrigin<T>;
  /** Rings when the least recently touched message may need a touch. */
  readonly #touchTimer: CoarseTimer;
  #msgTimeoutMs = 0;
  #maxMsgTimeoutMs = 0;
  #isOpen = false;
  #isClosing = false;
  #isGone = false;
  /** Resolves when the connection has closed. Null until somebody waits for it. */
  #gone: PromiseWithResolvers<void> | null = null;
  /** Called when the last message is answered. */
  #onIdle: (() => void) | null = null;

  constructor(
    address: Address,
    settings: ConsumerSettings<T>,
    environment: Environment,
    owner: SubscriptionOwner<T>,
  ) {
    this.address = address;
    this.#settings = settings;
    this.#environment = environment;
    this.#owner = owner;
    const { connection, wishes, topic, codec } = settings;
    this.#connection =
      environment.connectConsumer?.(address, wishes, this) ??
      new NsqdConnection(address, connection, wishes, environment, this);
    this.#origin = { owner: this, codec, topic, address: address.text };
    this.#touchTimer = CoarseTimers.of(environment.clock).timer((nowMs) =>
      this.#onTouchTimer(nowMs),
    );
    this.lastMessageMs = environment.clock.monotonicMs();
  }

  get inFlightCount(): number {
    return this.#inFlight.count;
  }

  /** Connects and subscribes. Errors: rejects with an NsqError; the owner is then not called. */
  async open(): Promise<Grant> {
    const grant = await this.#connection.open();
    this.rdyMax = grant.maxRdy;
    this.#msgTimeoutMs = grant.msgTimeoutMs;
    this.#maxMsgTimeoutMs = grant.maxMsgTimeoutMs;
    const { topic, channel } = this.#settings;
    const { address } = this;
    try {
      await this.#connection.ask('SUB', topic, channel);
    } catch (cause) {
      this.#connection.destroy(null);
      const code = cause instanceof NsqError ? cause.code : 'E_SUB_FAILED';
      const what = `the broker ${address.text} refuses the subscription to ${topic}/${channel}: ${errorText(cause)}`;
      throw new NsqError(code, what, { topic, address: address.text, cause });
    }
    if (!this.#connection.isReady) {
      const what = `the connection to ${address.text} is lost`;
      throw new NsqError('CONNECTION_LOST', what, { topic, address: address.text });
    }
    this.#isOpen = true;
    return grant;
  }

  /** Sets the ready count. */
  setRdy(count: number): void {
    if (this.#isClosing || count === this.rdy) return;
    this.rdy = count;
    if (count > 0) this.lastRdyMs = this.#environment.clock.monotonicMs();
    this.#connection.commands.setReady(count);
  }

  /**
   * Stops delivery, waits until all messages are answered, and disconnects. Resolves when the broker has read the
   * answers and has disconnected too, or when the connection is lost.
   */
  async drain(): Promise<void> {
    this.#isClosing = true;
    this.rdy = 0;
    const isLeft = await this.#connection.ask('CLS').then(
      (text) => text === CLOSE_WAIT,
      // a lost connection needs no CLS
      () => false,
    );
    if (isLeft && this.#inFlight.count > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    await this.close();
  }

  /** Disconnects at once. Unanswered messages are redelivered. Resolves when the connection is closed. */
  close(): Promise<void> {
    this.#isClosing = true;
    this.#gone ??= Promise.withResolvers();
    if (this.#isGone) this.#gone.resolve();
    this.#connection.end();
    return this.#gone.promise;
  }

  /** Aborts the connection, also while it is being opened. */
  destroy(): void {
    this.#isClosing = true;
    this.#connection.destroy(null);
  }

  /** Called by a message that is in flight. */
  finish(message: AnyMessage): void {
    message.state_ = 'finished';
    this.#inFlight.remove(message);
    this.#connection.commands.finish(message.bytes, message.idAt);
    this.#owner.onFinished();
    if (this.#inFlight.count === 0) this.#onIdle?.();
  }

  /** Called by a message that is in flight. */
  requeue(message: AnyMessage, { delayMs, backoff = true }: RequeueOptions): void {
    const heldMs = delayMs ?? this.#owner.requeueDelayMs(message.attempts);
    message.state_ = 'requeued';
    this.#inFlight.remove(message);
    const wholeMs = Math.max(0, Math.round(heldMs));
    this.#connection.commands.requeue(message.bytes, message.idAt, wholeMs);
    this.#owner.onRequeued(backoff);
    if (this.#inFlight.count === 0) this.#onIdle?.();
  }

  /** Called by a message that is in flight. */
  touch(message: AnyMessage): void {
    this.#touchAt(message, this.#environment.clock.monotonicMs());
  }

  /** Called by the connection. */
  onMessage(bytes: Buffer, at: number, end: number): void {
    if (!this.#isOpen) return;
    const message = new Message<T>(bytes, at, end, this.#origin, this.#connection.heardMs);
    this.#inFlight.add(message);
    this.#owner.onMessage(message);
  }

  /** Called by the connection. */
  onMessages(): void {
    this.lastMessageMs = this.#connection.heardMs;
    if (!this.#touchTimer.isSet) this.#touchTimer.setIn(this.#unansweredMs);
    this.#owner.onMessages();
  }

  /** Called by the connection. */
  onRefusal(error: NsqError): void {
    this.#owner.onRefusal(error);
  }

  /** Called by the connection. A consumer's output is small. */
  onDrain(): void {
    // A consumer does not wait for this.
  }

  /** Called by the connection. */
  onClose(error: NsqError | null): void {
    this.#touchTimer.clear();
    const lostCount = this.#inFlight.count;
    for (let message = this.#inFlight.oldest; message !== null; message = this.#inFlight.oldest) {
      message.state_ = 'lost';
      this.#inFlight.remove(message);
    }
    this.#onIdle?.();
    this.#isGone = true;
    this.#gone?.resolve();
    if (this.#isOpen) this.#owner.onClose(this, error, lostCount);
  }

  /** How long a message may go without a touch or an answer. Units: ms. */
  get #unansweredMs(): number {
    return this.#settings.isTouching ? TOUCH_SHARE * this.#msgTimeoutMs : this.#msgTimeoutMs;
  }

  #onTouchTimer(nowMs: number): void {
    const unansweredMs = this.#unansweredMs;
    for (let message = this.#inFlight.oldest; message !== null; message = this.#inFlight.oldest) {
      const dueMs = message.touchedMs + unansweredMs;
      if (dueMs > nowMs) {
        this.#touchTimer.setIn(dueMs - nowMs);
        return;
      }
      if (this.#settings.isTouching && nowMs < message.receivedMs + this.#maxMsgTimeoutMs) {
        this.#touchAt(message, nowMs);
      } else this.#expire(message);
    }
  }

  #touchAt(message: AnyMessage, nowMs: number): void {
    message.touchedMs = nowMs;
    // moves to the end: now the most recently touched
    this.#inFlight.remove(message);
    this.#inFlight.add(message);
    this.#connection.commands.touch(message.bytes, message.idAt);
    this.#owner.onTouched();
  }

  #expire(message: AnyMessage): void {
    message.state_ = 'lost';
    this.#inFlight.remove(message);
    this.#owner.onExpired();
    if (this.#inFlight.count === 0) this.#onIdle?.();
  }
}
