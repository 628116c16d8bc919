/**
 * A transport that is a socket, plain or with TLS.
 *
 * Thread: main.
 */

import type { Socket } from 'node:net';
import { closeSocket } from '../../daemon/close-socket.ts';
import type { Transport, TransportListener } from './transport.ts';

export class SocketTransport implements Transport {
  readonly #socket: Socket;
  #listener: TransportListener | null = null;
  #isDiscarding = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  get isDestroyed(): boolean {
    return this.#socket.destroyed;
  }

  listen(listener: TransportListener): void {
    const isFirst = this.#listener === null;
    this.#listener = listener;
    if (!isFirst) return;
    const socket = this.#socket;
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
    socket.on('data', this.#onData);
  }

  /** Returns the paused socket to another owner and stops calling the listener. */
  release(): Socket {
    const socket = this.#socket;
    this.#listener = null;
    socket.off('data', this.#onData);
    socket.off('end', this.#onEnd);
    socket.off('error', this.#onError);
    socket.off('close', this.#onClose);
    socket.pause();
    return socket;
  }

  write(buffers: readonly Buffer[], onTaken: () => void): void {
    const socket = this.#socket;
    if (socket.destroyed) return;
    const onWritten = (error: Error | null | undefined): void => {
      if (!error) onTaken();
    };
    const last = buffers.length - 1;
    if (last === 0) {
      socket.write(buffers[0], onWritten);
      return;
    }
    // Corked, so that all of them are written with one system call.
    socket.cork();
    for (let index = 0; index < last; index++) socket.write(buffers[index]);
    socket.write(buffers[last], onWritten);
    socket.uncork();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  discardInput(): void {
    this.#isDiscarding = true;
    this.#socket.resume();
  }

  end(): void {
    const socket = this.#socket;
    if (socket.readableEnded && !('encrypted' in socket)) closeSocket(socket);
    else if (!socket.writableEnded) socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  readonly #onData = (bytes: Buffer): void => {
    if (!this.#isDiscarding) this.#listener?.onData(bytes);
  };

  readonly #onEnd = (): void => this.#listener?.onEnd();

  readonly #onError = (error: Error): void => {
    this.#listener?.onError(error);
    // With TLS, an error alone does not close the socket.
    this.#socket.destroy();
  };

  readonly #onClose = (): void => this.#listener?.onClose();
}
