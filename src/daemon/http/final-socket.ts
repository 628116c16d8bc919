/**
 * A connection whose complete input is known: it delivers that input and sends the answers on the client's socket, to
 * which nothing else writes.
 *
 * Thread: main.
 */

import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { pushPieces } from '../shared-reads.ts';

export class FinalSocket extends Duplex {
  readonly #socket: Socket;

  constructor(socket: Socket, input: string | Buffer) {
    super();
    this.#socket = socket;
    pushPieces(this, typeof input === 'string' ? Buffer.from(input, 'latin1') : input);
    this.push(null);
    socket.once('close', () => this.destroy());
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.#socket.remotePort;
  }

  override _read(): void {
    // The complete input is already buffered.
  }

  override _write(
    chunk: Buffer,
    _encoding: unknown,
    onWritten: (error?: Error | null) => void,
  ): void {
    this.#socket.write(chunk, onWritten);
  }

  override _final(onEnded: () => void): void {
    this.#socket.destroySoon();
    onEnded();
  }
}
