/**
 * A link over a socket that cannot read into memory of ours, such as one of TLS.
 */

import type { Socket } from 'node:net';
import { type Link, type LinkListener, NOBODY } from './link.ts';

export class StreamLink implements Link {
  readonly #socket: Socket;
  #listener: LinkListener = NOBODY;
  #isClosed = false;

  /** `place`: what the server is called in errors. */
  constructor(socket: Socket, place: string) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#listener.onBytes(chunk, chunk.length));
    socket.on('error', (cause) => this.#onGone(new Error(`${place}: ${cause.message}`, { cause })));
    socket.on('close', () => this.#onGone(new Error(`${place} closed a connection`)));
    // paused since somebody read its first frame
    socket.resume();
  }

  listen(listener: LinkListener): void {
    this.#listener = listener;
  }

  /** Bytes may still be on their way to be encrypted. */
  send(bytes: Buffer): boolean {
    this.#socket.write(bytes);
    return false;
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
