/**
 * A producer's way to a broker: one connection at a time, made when it is needed, to the first broker that can be
 * reached from the one that worked last. When all have failed it waits before it tries again, longer each time.
 *
 * Thread: any.
 */

import { errorText } from '../shared/error-text.ts';
import type { Address } from './address.ts';
import { type Alarm, Alarms } from './alarms.ts';
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
  /** A broker cannot be reached, or an nsqlookupd. `isHopeless`: no broker can, for now. */
  onLinkError(error: NsqError, isHopeless: boolean): void;
};

/** What a link needs of the producer's settings. */
export type LinkSettings = {
  readonly addresses: readonly Address[];
  readonly lookupd: LookupdSettings | null;
  readonly connection: ConnectionSettings;
  readonly maxReconnectMs: number;
};

const RECONNECT_MS_MIN = 100;
/** So much of a delay is left to chance. */
const JITTER = 0.5;

/** A producer's way to a broker. */
export class BrokerLink implements ConnectionOwner {
  readonly #settings: LinkSettings;
  readonly #environment: Environment;
  readonly #owner: LinkOwner;
  readonly #poller: LookupdPoller | null;
  readonly #alarm: Alarm;
  #addresses: readonly Address[];
  /** Which address is used, or comes next. */
  #index = 0;
  /** Connections that could not be made, or were lost before anything was answered. */
  #failureCount = 0;
  #connection: NsqdConnection | null = null;
  #isPolling = false;
  #isClosed = false;

  constructor(settings: LinkSettings, environment: Environment, owner: LinkOwner) {
    this.#settings = settings;
    this.#environment = environment;
    this.#owner = owner;
    this.#addresses = settings.addresses;
    const alarms = Alarms.of(environment.clock);
    this.#alarm = alarms.alarm(() => this.#connect(), { holdsProcess: true });
    const listener = {
      onFound: (addresses: readonly Address[]) => this.#onFound(addresses),
      onLookupError: (error: NsqError) => owner.onLinkError(error, this.#addresses.length === 0),
    };
    const { lookupd } = settings;
    this.#poller = lookupd && new LookupdPoller(null, lookupd, environment, listener);
  }

  /** The connection, when commands can be given to it. */
  get ready(): NsqdConnection | null {
    return this.#connection?.isReady === true ? this.#connection : null;
  }

  get addressCount(): number {
    return this.#addresses.length;
  }

  /** Sees to it that there will be a connection. */
  need(): void {
    if (this.#isClosed) return;
    if (!this.#isPolling && this.#poller !== null) {
      this.#isPolling = true;
      this.#poller.poll();
    }
    if (this.#connection === null && !this.#alarm.isSet) this.#connect();
  }

  /** Called when the broker has answered: this connection is good. */
  onAnswer(): void {
    this.#failureCount = 0;
  }

  close(): void {
    this.#isClosed = true;
    this.#poller?.close();
    this.#alarm.clear();
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
    // the first time it is made again at once, where it is needed
    if (this.#failureCount > this.#addresses.length) this.#wait();
    if (connection !== null) this.#owner.onLost(connection.address, error);
  }

  /** Nobody subscribes here. */
  onMessage(): void {
    this.#connection?.destroy(new NsqError('PROTOCOL_ERROR', 'a message for a producer'));
  }

  /** Nobody subscribes here. */
  onMessages(): void {
    // There are none.
  }

  /** Called by the connection: an answer to a command that producers do not give. */
  onRefusal(error: NsqError): void {
    this.#owner.onLinkError(error, false);
  }

  #connect(): void {
    // until nsqlookupd tells of one
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

  /** Connects again later, after each failure more so. */
  #wait(): void {
    if (this.#isClosed) return;
    const rounds = Math.max(1, Math.floor(this.#failureCount / this.#addresses.length));
    const fullMs = Math.min(this.#settings.maxReconnectMs, RECONNECT_MS_MIN * 2 ** (rounds - 1));
    this.#alarm.setIn(fullMs * (1 - JITTER * this.#environment.random()));
  }

  /** Brokers of the options come first, then those of nsqlookupd, from a different one for each producer. */
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
    if (wasEmpty && this.#connection === null && !this.#alarm.isSet) this.#connect();
  }
}

function asNsqError(error: unknown): NsqError {
  if (error instanceof NsqError) return error;
  return new NsqError('CONNECT_FAILED', errorText(error), { cause: error });
}
