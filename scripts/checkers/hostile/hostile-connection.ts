/**
 * A connection that sends arbitrary bytes and reads as much as the scenario wants.
 */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Bytes of the input that are kept; the rest is read and dropped. */
const KEPT_BYTES = 4096;

export class HostileConnection {
  /** Resolves when the connection has closed, for whatever reason. */
  readonly closed: Promise<void>;

  readonly #socket: Socket;
  readonly #kept: Buffer[] = [];
  #keptBytes = 0;
  #isClosed = false;
  #onNews: () => void = () => undefined;

  /** Connects. Errors: rejects if the address refuses the connection, or if the system has no port left. */
  static async open(host: string, port: number): Promise<HostileConnection> {
    const socket = connect({ port, host, noDelay: true, allowHalfOpen: true });
    await once(socket, 'connect');
    return new HostileConnection(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    // the broker may reset the connection
    socket.on('error', () => undefined);
    socket.on('end', () => socket.end());
    socket.on('close', () => {
      this.#isClosed = true;
      this.#onNews();
      resolve();
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The beginning of the input. */
  get received(): string {
    return Buffer.concat(this.#kept).toString('latin1');
  }

  send(...pieces: readonly Buffer[]): void {
    if (!this.#isClosed) this.#socket.write(Buffer.concat(pieces));
  }

  /** Sends bytes. Resolves when the system has taken them, or the connection has closed. */
  async sendWhole(bytes: Buffer): Promise<void> {
    if (this.#isClosed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#socket.write(bytes, () => resolve());
    await Promise.race([promise, this.closed]);
  }

  /**
   * Resolves with true as soon as the input contains the text this many times, and with false when the connection
   * closes before.
   */
  async receives(text: string, times = 1): Promise<boolean> {
    while (this.received.split(text).length <= times) {
      if (this.#isClosed) return false;
      await new Promise<void>((resolve) => {
        this.#onNews = resolve;
      });
    }
    return true;
  }

  /** Stops reading. */
  stopReading(): void {
    this.#socket.pause();
  }

  /** Reads some of the bytes that have arrived, while reading is stopped. */
  read(count: number): void {
    this.#socket.removeAllListeners('data');
    this.#socket.read(count);
  }

  /** Ends this side. */
  end(): void {
    this.#socket.end();
  }

  /** Ends the connection as a client that crashes does. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    if (this.#keptBytes < KEPT_BYTES) {
      this.#kept.push(chunk.subarray(0, KEPT_BYTES - this.#keptBytes));
      this.#keptBytes += chunk.length;
    }
    this.#onNews();
  }
}
