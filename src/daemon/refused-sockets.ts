/**
 * Refused connections that still receive their error.
 *
 * Bound: a few at a time, each for a moment; a client that does not close is disconnected.
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

  /** Takes over a socket. False: there are too many, and the socket is closed. */
  add(socket: Socket): boolean {
    // Errors of a refused socket do not matter, but an error without a listener would end the process.
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

  /** Takes over a socket, writes a last error and closes it. */
  dismiss(socket: Socket, lastWord: Buffer): void {
    if (!this.add(socket)) return;
    socket.end(lastWord);
    // Closing with unread bytes would reset the connection, and the client might not see why.
    socket.resume();
  }

  /** Disconnects all. */
  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
