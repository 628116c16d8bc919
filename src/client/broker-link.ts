/**
 * A producer's link to a broker: one connection at a time, opened on demand. It tries the brokers in order, starting
 * with the last one that worked. After all have failed it waits before the next round, longer each time.
 *
 * Thread: any.
 */

import { errorText } from '../shared/error-text.ts';
import type { Address } from './address.ts';
import { type CoarseTimer, CoarseTimers } from './coarse-timers.ts';
import type { ConnectionSettings } from './connection-options.ts';
import type { ConnectionOwner } from './connection-owner.ts';
import type { Environment } from './environment.ts';
import type { LookupdSettings } from './lookupd-options.ts';
import { LookupdPoller } from './lookupd-poller.ts';
import { NsqError } from './nsq-error.ts';
import { NsqdConnection } from './nsqd-connection.ts';

/** The producer, as its link sees it. */
export type LinkOwner = {
  onReady(connection: NsqdConnection): void;
  onDrain(): void;
  onLost(address: Address, error: NsqError | null): void;
  /** A broker or an nsqlookupd cannot be reached. `isHopeless`: at present no broker can. */
  onLinkError(error: NsqError, isHopeless: boolean): void;
};

/** The settings of the producer that a link needs. */
export type LinkSettings = {
  readonly addresses: readonly Address[];
  readonly lookupd: LookupdSettings | null;
  readonly connection: ConnectionSettings;
  readonly maxReconnectMs: number;
};

const RECONNECT_MS_MIN = 100;
/** The random share of a delay. */
const JITTER = 0.5;

/** A producer's link to a broker. */
export class BrokerLink implements ConnectionOwner {
  readonly #settings: LinkSettings;
  readonly #environment: Environment;
  readonly #owner: LinkOwner;
  readonly #poller: LookupdPoller | null;
  readonly #timer: CoarseTimer;
  #addresses: readonly Address[];
  /** The index of the address that is used or comes next. */
  #index = 0;
  /** Connections in a row that failed, or were lost before any answer. */
  #failureCount = 0;
  #connection: NsqdConnection | null = null;
  #isPolling = false;
  #isClosed = false;

  constructor(settings: LinkSettings, environment: Environment, owner: LinkOwner) {
    this.#settings = settings;
    this.#environment = environment;
    this.#owner = owner;
    this.#addresses = settings.addresses;
    const timers = CoarseTimers.of(environment.clock);
    this.#timer = timers.timer(() => this.#connect(), { holdsProcess: true });
    const listener = {
      onFound: (addresses: readonly Address[]) => this.#onFound(addresses),
      onLookupError: (error: NsqError) => owner.onLinkError(error, this.#addresses.length === 0),
    };
    const { lookupd } = settings;
    this.#poller = lookupd && new LookupdPoller(null, lookupd, environment, listener);
  }

  /** The connection, if it is ready for commands. */
  get ready(): NsqdConnection | null {
    return this.#connection?.isReady === true ? this.#connection : null;
  }

  get addressCount(): number {
    return this.#addresses.length;
  }

  /** Ensures that a connection is open or being opened. */
  need(): void {
    if (this.#isClosed) return;
    if (!this.#isPolling && this.#poller !== null) {
      this.#isPolling = true;
      this.#poller.poll();
    }
    if (this.#connection === null && !this.#timer.isSet) this.#connect();
  }

  /** Called when the broker has answered: the connection works. */
  onAnswer(): void {
    this.#failureCount = 0;
  }

  close(): void {
    this.#isClosed = true;
    this.#poller?.close();
    this.#timer.clear();
    this.#connection?.end();
  }

  /** Called by the connection. */
  onDrain(): void {
    this.#owner.onDrain();
  }

  /** Called by the connection. */
  onClose(error: NsqError | null): void {
    const connection = this.#connection;
    this.#connection = null;
    this.#index++;
    this.#poller?.pollSoon();
    this.#failureCount++;
    // the first attempt to reconnect is immediate, on demand
    if (this.#failureCount > this.#addresses.length) this.#wait();
    if (connection !== null) this.#owner.onLost(connection.address, error);
  }

  /** A producer never subscribes. */
  onMessage(): void {
    this.#connection?.destroy(new NsqError('PROTOCOL_ERROR', 'a message for a producer'));
  }

  /** A producer never subscribes. */
  onMessages(): void {
    // There are no messages.
  }

  /** Called by the connection for a command that producers never send. */
  onRefusal(error: NsqError): void {
    this.#owner.onLinkError(error, false);
  }

  #connect(): void {
    // until nsqlookupd reports a broker
    if (this.#addresses.length === 0 || this.#isClosed) return;
    const address = this.#addresses[this.#index % this.#addresses.length];
    const { connection: settings } = this.#settings;
    const connection = new NsqdConnection(address, settings, null, this.#environment, this);
    this.#connection = connection;
    void connection.open().then(
      () => {
        // lost already
        if (this.#connection !== connection) return;
        if (this.#isClosed) connection.end();
        else this.#owner.onReady(connection);
      },
      (error: unknown) => this.#onFailure(asNsqError(error)),
    );
  }

  #onFailure(error: NsqError): void {
    this.#connection = null;
    this.#index++;
    this.#failureCount++;
    if (this.#isClosed) return;
    const rounds = Math.floor(this.#failureCount / this.#addresses.length);
    this.#owner.onLinkError(error, rounds > 0);
    if (rounds === 0) {
      this.#connect();
      return;
    }
    this.#wait();
  }

  /** Schedules a reconnect, later after each failure. */
  #wait(): void {
    if (this.#isClosed) return;
    const rounds = Math.max(1, Math.floor(this.#failureCount / this.#addresses.length));
    const fullMs = Math.min(this.#settings.maxReconnectMs, RECONNECT_MS_MIN * 2 ** (rounds - 1));
    this.#timer.setIn(fullMs * (1 - JITTER * this.#environment.random()));
  }

  /**
   * Brokers from the options come first, then those from nsqlookupd, rotated so that producers start with different
   * ones.
   */
  #onFound(found: readonly Address[]): void {
    const fixed = this.#settings.addresses;
    const known = new Set(fixed.map(({ text }) => text));
    const others = found.filter(({ text }) => !known.has(text));
    const first = Math.floor(this.#environment.random() * others.length);
    const wasEmpty = this.#addresses.length === 0;
    const current = this.#connection?.address.text;
    this.#addresses = [...fixed, ...others.slice(first), ...others.slice(0, first)];
    const index = this.#addresses.findIndex(({ text }) => text === current);
    this.#index = index === -1 ? 0 : index;
    if (wasEmpty && this.#connection === null && !this.#timer.isSet) this.#connect();
  }
}

function asNsqError(error: unknown): NsqError {
  if (error instanceof NsqError) return error;
  return new NsqError('CONNECT_FAILED', errorText(error), { cause: error });
}
