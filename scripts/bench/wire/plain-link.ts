/**
 * A link over a bare socket, which reads into memory that it uses again and again.
 */

import net from 'node:net';
import { type Address, spellAddress } from './address.ts';
import { type Link, type LinkListener, NOBODY } from './link.ts';

/**
 * All links of a process read into the same memory: a read is taken before the next one begins, and thousands of
 * links with memory of their own would weigh more than what they measure.
 */
const READ_BUFFER = Buffer.allocUnsafeSlow(1 << 18);

export class PlainLink implements Link {
  readonly #socket: net.Socket;
  #listener: LinkListener = NOBODY;
  #isClosed = false;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
  }

  /** Resolves when connected. Nothing is sent yet. Errors: rejects with the address and why. */
  static connect(address: Address): Promise<PlainLink> {
    return new Promise((resolve, reject) => {
      const socket = net.connect({
        ...address,
        noDelay: true,
        onread: {
          buffer: READ_BUFFER,
          callback: (end) => {
            link.#listener.onBytes(READ_BUFFER, end);
            return true;
          },
        },
      });
      const link = new PlainLink(socket);
      const place = spellAddress(address);
      let isConnected = false;
      socket.once('connect', () => {
        isConnected = true;
        resolve(link);
      });
      socket.on('error', (cause) => {
        if (isConnected) link.#onGone(new Error(`${place}: ${cause.message}`, { cause }));
        else reject(new Error(`connect to ${place}: ${cause.message}`, { cause }));
      });
      socket.on('close', () => link.#onGone(new Error(`${place} closed a connection`)));
    });
  }

  listen(listener: LinkListener): void {
    this.#listener = listener;
  }

  send(bytes: Buffer): boolean {
    this.#socket.write(bytes);
    // nothing waits: the system has taken it all
    return this.#socket.writableLength === 0;
  }

  close(): void {
    this.#isClosed = true;
    this.#listener = NOBODY;
    this.#socket.destroySoon();
  }

  #onGone(error: Error): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#listener.onGone(error);
  }
}
