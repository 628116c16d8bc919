/**
 * One nsqlookupd that is kept informed of the broker's topics and channels.
 *
 * ```
 * disconnected ──start, send, PING──▶ connecting ──IDENTIFY answered──▶ registering everything ──▶ sending changes
 *      ▲                                  │                                   │                        │
 *      └────────────────────────── any failure, or the peer hangs up ─────────┴────────────────────────┘
 * ```
 *
 * After connecting, a peer registers everything, so changes while disconnected need no queue: they only trigger a
 * connect. Peers are independent; a dead one does not delay the others.
 *
 * Thread: main.
 * Source: nsqd `lookupPeer`, `lookupLoop`. Differs in that nsqd serves all peers one after the
 * other; in that PINGs go ahead of waiting changes, so that registering much does not look like being dead; and in
 * that the end of a connection is noticed when it comes.
 */

import type { Guard, Sender } from '../../../daemon/guard.ts';
import type { HostPort } from '../../../daemon/host-port.ts';
import type { Logger } from '../../../daemon/log.ts';
import { InvalidValue } from '../../../daemon/options/invalid-value.ts';
import { parsePeerAddress } from '../../../daemon/peer-address.ts';
import { rethrowBug } from '../../../shared/assert.ts';
import type { Clock, Timer } from '../../../shared/clock.ts';
import { errorText } from '../../../shared/error-text.ts';
import { LookupdConnection } from './lookupd-connection.ts';
import { type PeerInfo, parsePeerInfo, peerInfoText } from './peer-info.ts';

/** The dependencies of a peer. */
export interface LookupdPeerSetup {
  /** The first bytes of every connection, which the peer answers with its own data. */
  readonly hello: Buffer;
  /** Commands that register everything that exists at the time of the call. */
  readonly registrations: () => Iterable<string>;
  readonly replyBytesMax: number;
  readonly clock: Clock;
  readonly guard: Guard;
  readonly logger: Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;
}

const PING = 'PING';
const PING_INTERVAL_MS = 15_000;
/**
 * Most changes that wait for a peer; with more, the connection is replaced, because registering everything again
 * takes less.
 */
const WAITING_MAX = 16_384;
const OK = Buffer.from('OK');
const REFUSED = Buffer.from('E_INVALID');

export class LookupdPeer implements Sender {
  readonly address: string;
  /** The parsed address, or what is wrong with it. */
  readonly #hostAndPort: HostPort | InvalidValue;
  readonly #setup: LookupdPeerSetup;
  #info: PeerInfo | undefined;
  #connection: LookupdConnection | undefined;
  /** Whether the batch contains the registrations, so that changes must follow it. */
  #isRegistered = false;
  /** The commands that are being sent, and how many of them have been. */
  #batch: readonly string[] = [];
  #sentCount = 0;
  /** Changes that follow the batch. */
  #waiting: string[] = [];
  #isPingDue = false;
  /** Whether too many changes were waiting. */
  #isOverrun = false;
  #isWorking = false;
  #isStopped = false;
  #timer: Timer | undefined;

  /** `address`: the operator's text, valid or not. */
  constructor(address: string, setup: LookupdPeerSetup) {
    this.address = address;
    this.#hostAndPort = parsePeerAddress(address);
    this.#setup = setup;
  }

  /** The peer's data from the last connection; undefined before the first. */
  get info(): PeerInfo | undefined {
    return this.#info;
  }

  /** Whether it is connected and has identified itself. */
  get isConnected(): boolean {
    return this.#isRegistered;
  }

  /** Connects, registers everything, and then keeps the connection alive. */
  start(): void {
    if (this.#hostAndPort instanceof InvalidValue) {
      this.#setup.logger.error(`LOOKUPD(${this.address}): the address ${this.#hostAndPort.why}`);
      return;
    }
    this.#schedulePing();
    this.#wake();
  }

  /** Reports a change that `registrations` already includes. Shape: a command without its line end. */
  send(command: string): void {
    if (this.#isRegistered && !this.#isOverrun) {
      this.#isOverrun = this.#waiting.length === WAITING_MAX;
      if (!this.#isOverrun) this.#waiting.push(command);
    }
    this.#wake();
  }

  /** Disconnects. The peer then drops this broker, so nothing needs to be unregistered. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#forgetConnection();
  }

  /** Hangs up. The next change, or the time of the next PING, connects again. */
  destroy(): void {
    this.#forgetConnection();
  }

  toString(): string {
    return `LOOKUPD(${this.address})`;
  }

  #schedulePing(): void {
    const { clock, guard } = this.#setup;
    const onDue = (): void => {
      this.#schedulePing();
      this.#isPingDue = this.#isRegistered;
      this.#wake();
    };
    this.#timer = clock.after(PING_INTERVAL_MS, guard.around(this, onDue));
  }

  #wake(): void {
    if (this.#isWorking || this.#isStopped || this.#hostAndPort instanceof InvalidValue) return;
    this.#isWorking = true;
    void this.#work(this.#hostAndPort);
  }

  #connect(address: HostPort): LookupdConnection {
    const { clock, logger, guard, replyBytesMax } = this.#setup;
    logger.info(`LOOKUP connecting to ${this.address}`);
    const onLost = (error: Error): void => this.#disconnect(error);
    const name = this.toString();
    const setup = { address, replyBytesMax, clock, guard, name, onLost };
    this.#connection = new LookupdConnection(setup);
    return this.#connection;
  }

  /** Sends until nothing is left or the connection is lost. Never rejects. */
  async #work(address: HostPort): Promise<void> {
    let connection = this.#connection;
    try {
      connection ??= this.#connect(address);
      if (!this.#isRegistered) await this.#introduce(connection);
      for (let command = this.#next(); command !== undefined; command = this.#next()) {
        await this.#exchange(connection, command);
      }
    } catch (error) {
      this.#setup.guard.noteUnforeseen(this.toString(), error);
      // The side that closed the connection has already given the reason.
      if (this.#connection === connection) this.#disconnect(error);
    }
    // In the same turn as the last check for a command, so that none is missed.
    this.#isWorking = false;
    if (this.#isOverrun) {
      this.#isOverrun = false;
      this.#wake();
    }
  }

  async #introduce(connection: LookupdConnection): Promise<void> {
    const { hello, registrations, logger } = this.#setup;
    await connection.opened();
    const reply = await connection.request(hello);
    // Input after the reply may have ended the connection already.
    if (this.#connection !== connection) throw new Error('connection is lost');
    this.#info = this.#read(reply);
    this.#batch = [...registrations()];
    this.#sentCount = 0;
    this.#isRegistered = true;
    logger.info(`LOOKUPD(${this.address}): ${this.#batch.length} topics and channels to register`);
  }

  /** Parses the reply to IDENTIFY. Errors: throws if the peer refuses or its reply is invalid. */
  #read(reply: Buffer): PeerInfo {
    if (reply.equals(REFUSED)) throw new Error(`lookupd returned ${REFUSED}`);
    const info = parsePeerInfo(reply);
    if (info === undefined) throw new Error(`parsing response - ${excerpt(reply)}`);
    const { logger } = this.#setup;
    logger.info(`LOOKUPD(${this.address}): peer info ${peerInfoText(info)}`);
    if (info.broadcastAddress === '') {
      logger.error(`LOOKUPD(${this.address}): no broadcast address`);
    }
    return info;
  }

  async #exchange(connection: LookupdConnection, command: string): Promise<void> {
    const { logger } = this.#setup;
    logger.debug(`LOOKUPD(${this.address}): ${command}`);
    let reply: Buffer;
    try {
      reply = await connection.request(Buffer.from(`${command}\n`));
    } catch (cause) {
      rethrowBug(cause);
      throw new Error(`${command} - ${errorText(cause)}`, { cause });
    }
    // The peer disconnects after an error; if it does not, the rest may still be useful to it.
    if (!reply.equals(OK)) {
      logger.warn(`LOOKUPD(${this.address}): ${command} - ${excerpt(reply)}`);
    }
  }

  /** Errors: throws if so many changes wait that a new connection is better. */
  #next(): string | undefined {
    if (this.#isOverrun) throw new Error(`more than ${WAITING_MAX} changes are waiting`);
    if (this.#isPingDue) {
      this.#isPingDue = false;
      return PING;
    }
    if (this.#sentCount === this.#batch.length) {
      this.#batch = this.#waiting;
      this.#waiting = [];
      this.#sentCount = 0;
    }
    if (this.#batch.length === 0) return undefined;
    const command = this.#batch[this.#sentCount];
    this.#sentCount += 1;
    return command;
  }

  #disconnect(error: unknown): void {
    this.#forgetConnection();
    this.#setup.logger.error(`LOOKUPD(${this.address}): ${errorText(error)}`);
  }

  #forgetConnection(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#isRegistered = false;
    this.#batch = [];
    this.#waiting = [];
    this.#sentCount = 0;
    this.#isPingDue = false;
    connection?.close();
  }
}

/** Most bytes of an unexpected reply in the log. */
const EXCERPT_BYTES = 200;

/** A reply, shortened for the log. */
function excerpt(reply: Buffer): string {
  return JSON.stringify(reply.toString('latin1', 0, EXCERPT_BYTES));
}
