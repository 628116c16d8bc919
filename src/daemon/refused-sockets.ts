/**
 * Connections that were refused, while they are told so.
 *
 * Bound: a few at a time, and each for a moment; a client that does not go by itself is cut off.
 *
 * Thread: main.
 */

import type { Socket } from 'node:net';
import type { Clock } from '../shared/clock.ts';

const SOCKETS_MAX = 32;
const LINGER_MS = 1000;

export class RefusedSockets {
  readonly #clock: Clock;
  readonly #sockets = new Set<Socket>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes a socket over. False: there are too many, and it is closed already. */
  add(socket: Socket): boolean {
    // What becomes of a socket that nobody wants is nobody's concern, but an error without listener ends the process.
    socket.on('error', () => socket.destroy());
    if (this.#sockets.size >= SOCKETS_MAX) {
      socket.destroy();
      return false;
    }
    this.#sockets.add(socket);
    const timer = this.#clock.after(LINGER_MS, () => socket.destroy());
    timer.unref();
    socket.once('close', () => {
      timer.cancel();
      this.#sockets.delete(socket);
    });
    return true;
  }

  has(socket: Socket): boolean {
    return this.#sockets.has(socket);
  }

  /** Takes a socket over, writes the last word to it and closes it. */
  dismiss(socket: Socket, lastWord: Buffer): void {
    if (!this.add(socket)) return;
    socket.end(lastWord);
    // Closing with unread bytes would reset the connection, and the client might not see why.
    socket.resume();
  }

  /** Cuts off all. */
  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
