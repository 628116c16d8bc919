/**
 * The brokers that a consumer knows, and its connections to them. A lost connection is reopened after a delay that
 * grows with each failure and has a random part. A broker that nsqlookupd no longer reports, and that the options do
 * not name, is removed when its connection ends.
 *
 * Bound: the addresses in the options, and the bound on answers of nsqlookupd. Thread: any.
 */

import { errorText } from '../shared/error-text.ts';
import type { Address } from './address.ts';
import { type CoarseTimer, CoarseTimers } from './coarse-timers.ts';
import type { Environment } from './environment.ts';
import { NsqError } from './nsq-error.ts';
import type { Subscription } from './subscription.ts';

/** The consumer, as its brokers see it. */
export type BrokersOwner<T> = {
  subscriptionTo(address: Address): Subscription<T>;
  onSubscribed(subscription: Subscription<T>): void;
  onConnectError(error: NsqError): void;
  /** A broker's connection is lost, and nsqlookupd may know another broker. */
  onBrokerLost(): void;
};

type Broker<T> = {
  readonly address: Address;
  /** Whether the options name it. */
  readonly isFixed: boolean;
  /** Whether the last answers of nsqlookupd contain it. */
  isListed: boolean;
  subscription: Subscription<T> | null;
  isOpen: boolean;
  failureCount: number;
  /** Rings when it is time to reconnect. */
  readonly timer: CoarseTimer;
};

const RECONNECT_MS_MIN = 200;
/** The random share of a delay. */
const JITTER = 0.5;

/** The brokers of one consumer. */
export class Brokers<T> {
  readonly #maxReconnectMs: number;
  readonly #environment: Environment;
  readonly #owner: BrokersOwner<T>;
  readonly #brokers = new Map<string, Broker<T>>();
  #isClosed = false;

  constructor(maxReconnectMs: number, environment: Environment, owner: BrokersOwner<T>) {
    this.#maxReconnectMs = maxReconnectMs;
    this.#environment = environment;
    this.#owner = owner;
  }

  /** The subscriptions that are open. */
  get open(): Subscription<T>[] {
    const open: Subscription<T>[] = [];
    for (const { subscription, isOpen } of this.#brokers.values()) {
      if (subscription !== null && isOpen) open.push(subscription);
    }
    return open;
  }

  /** Connects to the brokers that the options name. */
  addFixed(addresses: readonly Address[]): void {
    for (const address of addresses) this.#add(address, true);
  }

  /** Connects to those that are new. */
  addListed(addresses: readonly Address[]): void {
    if (this.#isClosed) return;
    const listed = new Set(addresses.map(({ text }) => text));
    for (const broker of this.#brokers.values()) {
      broker.isListed = listed.has(broker.address.text);
      if (!broker.isListed && broker.subscription === null) this.#forget(broker);
    }
    for (const address of addresses) this.#add(address, false);
  }

  /** Called when an open subscription has ended. */
  closed(subscription: Subscription<T>): void {
    const broker = this.#brokers.get(subscription.address.text);
    if (broker === undefined || broker.subscription !== subscription) return;
    this.#onEnd(broker);
    if (!this.#isClosed) this.#owner.onBrokerLost();
  }

  /** Opens no more connections and aborts those that are being opened. Open ones remain. */
  close(): void {
    this.#isClosed = true;
    for (const { timer, subscription, isOpen } of this.#brokers.values()) {
      timer.clear();
      if (!isOpen) subscription?.destroy();
    }
  }

  #add(address: Address, isFixed: boolean): void {
    if (this.#isClosed || this.#brokers.has(address.text)) return;
    const timers = CoarseTimers.of(this.#environment.clock);
    const broker: Broker<T> = {
      address,
      isFixed,
      isListed: !isFixed,
      subscription: null,
      isOpen: false,
      failureCount: 0,
      timer: timers.timer(() => this.#connect(broker), { holdsProcess: true }),
    };
    this.#brokers.set(address.text, broker);
    this.#connect(broker);
  }

  #connect(broker: Broker<T>): void {
    const subscription = this.#owner.subscriptionTo(broker.address);
    broker.subscription = subscription;
    void subscription.open().then(
      () => {
        // lost already
        if (broker.subscription !== subscription) return;
        broker.isOpen = true;
        broker.failureCount = 0;
        if (this.#isClosed) void subscription.close();
        else this.#owner.onSubscribed(subscription);
      },
      (error: unknown) => {
        broker.failureCount++;
        if (!this.#isClosed) this.#owner.onConnectError(asNsqError(error));
        this.#onEnd(broker);
      },
    );
  }

  #onEnd(broker: Broker<T>): void {
    broker.subscription = null;
    broker.isOpen = false;
    if (this.#isClosed) return;
    if (!broker.isFixed && !broker.isListed) this.#forget(broker);
    else {
      const fullMs = Math.min(this.#maxReconnectMs, RECONNECT_MS_MIN * 2 ** broker.failureCount);
      broker.timer.setIn(fullMs * (1 - JITTER * this.#environment.random()));
    }
  }

  #forget(broker: Broker<T>): void {
    if (broker.isFixed) return;
    broker.timer.clear();
    this.#brokers.delete(broker.address.text);
  }
}

function asNsqError(error: unknown): NsqError {
  if (error instanceof NsqError) return error;
  return new NsqError('CONNECT_FAILED', errorText(error), { cause: error });
}
