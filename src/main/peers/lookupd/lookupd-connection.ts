/**
 * One TCP connection to an nsqlookupd: one request at a time; a request without a timely reply ends the connection.
 *
 * Thread: main. Source: nsqd `lookupPeer`.
 */

import { connect, type Socket } from 'node:net';
import type { Guard, Sender } from '../../../daemon/guard.ts';
import type { HostPort } from '../../../daemon/host-port.ts';
import { assert } from '../../../shared/assert.ts';
import type { Clock, Timer } from '../../../shared/clock.ts';
import { ReplyParser } from './reply-parser.ts';

/** The dependencies of a connection. */
export interface LookupdConnectionSetup {
  readonly address: HostPort;
  readonly replyBytesMax: number;
  readonly clock: Clock;
  readonly guard: Guard;
  /** Names the peer in the log. */
  readonly name: string;
  /** Called once if the connection ends while no request is pending, except by `close`. */
  readonly onLost: (error: Error) => void;
}

type Waiter = {
  readonly resolve: (reply: Buffer) => void;
  readonly reject: (error: Error) => void;
  readonly timer: Timer;
};

/** Timeout for connecting, and for a request with its reply. */
const LOOKUPD_TIMEOUT_MS = 1000;
const NOTHING = Buffer.alloc(0);

export class LookupdConnection implements Sender {
  readonly #setup: LookupdConnectionSetup;
  readonly #socket: Socket;
  readonly #parser: ReplyParser;
  #waiter: Waiter | undefined;
  #isClosed = false;

  /** Starts connecting. */
  constructor(setup: LookupdConnectionSetup) {
    this.#setup = setup;
    this.#parser = new ReplyParser(setup.replyBytesMax);
    this.#socket = connect({ ...setup.address, noDelay: true });
    const onConnect = (): void => void this.#settle(NOTHING);
    const onData = (chunk: Buffer): void => this.#onData(chunk);
    const onError = (error: Error): void => this.#fail(error);
    const onClose = (): void => this.#fail(new Error('connection closed by the peer'));
    const { guard } = setup;
    this.#socket.on('connect', guard.around(this, onConnect));
    this.#socket.on('data', guard.around(this, onData));
    this.#socket.on('error', guard.around(this, onError));
    this.#socket.on('close', guard.around(this, onClose));
  }

  /** Resolves when requests can be sent. Errors: rejects if the connection is not open in time. */
  async opened(): Promise<void> {
    await this.#wait();
  }

  /**
   * Sends a request and resolves with its reply. Errors: rejects without one in time; the connection is then closed.
   */
  request(bytes: Buffer): Promise<Buffer> {
    if (!this.#isClosed) this.#socket.write(bytes);
    return this.#wait();
  }

  /** Closes the connection; a pending request is rejected. */
  close(): void {
    this.#end(new Error('connection closed'));
  }

  /** Ends the connection because what it has sent cannot be handled. */
  destroy(): void {
    this.#fail(new Error('connection ended'));
  }

  toString(): string {
    return this.#setup.name;
  }

  #wait(): Promise<Buffer> {
    if (this.#isClosed) return Promise.reject(new Error('connection is closed'));
    assert(this.#waiter === undefined, 'a request is sent when the one before is answered');
    return new Promise((resolve, reject) => {
      const { clock, guard } = this.#setup;
      const late = new Error(`no reply within ${LOOKUPD_TIMEOUT_MS} ms`);
      const onLate = guard.around(this, () => this.#fail(late));
      const timer = clock.after(LOOKUPD_TIMEOUT_MS, onLate);
      this.#waiter = { resolve, reject, timer };
    });
  }

  #onData(chunk: Buffer): void {
    if (this.#isClosed) return;
    const replies = this.#parser.push(chunk);
    if (replies instanceof Error) {
      this.#fail(replies);
      return;
    }
    for (const reply of replies) {
      if (!this.#settle(reply)) this.#fail(new Error('reply without a request'));
    }
  }

  /** Returns whether a request was pending. */
  #settle(reply: Buffer): boolean {
    const waiter = this.#waiter;
    if (waiter === undefined) return false;
    this.#waiter = undefined;
    waiter.timer.cancel();
    waiter.resolve(reply);
    return true;
  }

  #fail(error: Error): void {
    if (this.#isClosed) return;
    const isAwaited = this.#waiter !== undefined;
    this.#end(error);
    if (!isAwaited) this.#setup.onLost(error);
  }

  #end(error: Error): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.destroy();
    const waiter = this.#waiter;
    if (waiter === undefined) return;
    this.#waiter = undefined;
    waiter.timer.cancel();
    waiter.reject(error);
  }
}
