/**
 * A connection that sends anything and reads as much as the scenario wants.
 */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Bytes of what was received that are kept; the rest is read and dropped. */
const KEPT_BYTES = 4096;

export class HostileConnection {
  /** Resolves when the connection is gone, for whatever reason. */
  readonly closed: Promise<void>;

  readonly #socket: Socket;
  readonly #kept: Buffer[] = [];
  #keptBytes = 0;
  #isClosed = false;
  #onNews: () => void = () => undefined;

  /** Connects. Errors: rejects when nobody listens there, or when the system has no port left. */
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
    // a broker that has had enough may reset the connection
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

  /** The beginning of what was received. */
  get received(): string {
    return Buffer.concat(this.#kept).toString('latin1');
  }

  send(...pieces: readonly Buffer[]): void {
    if (!this.#isClosed) this.#socket.write(Buffer.concat(pieces));
  }

  /** Sends, and resolves when the system has taken it, or the connection is gone. */
  async sendWhole(bytes: Buffer): Promise<void> {
    if (this.#isClosed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#socket.write(bytes, () => resolve());
    await Promise.race([promise, this.closed]);
  }

  /**
   * Resolves with true as soon as what was received has such text, so many times, with false when the connection is
   * gone.
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

  /** Reads nothing more. */
  stopReading(): void {
    this.#socket.pause();
  }

  /** Reads a number of the bytes that have arrived, after reading was stopped. */
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
