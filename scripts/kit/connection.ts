/**
 * A connection of a client that keeps to the protocol: answers arrive in the order of the commands, messages at any
 * time, and heartbeats are answered.
 */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { line, MAGIC } from '../../src/protocol/commands.ts';

const HEADER_BYTES = 8;
const TYPE_BYTES = 4;
const MESSAGE_HEADER_BYTES = 26;
const ERROR_TYPE = 1;
const MESSAGE_TYPE = 2;
const NOP = line('NOP');
/** Errors for commands that have no answer on success. */
const REFUSALS = /^E_(?:FIN|REQ|TOUCH)_FAILED/;

/** A message as it is on the wire. `body` is valid only until the listener returns. */
export type Message = { readonly id: string; readonly attempts: number; readonly body: Buffer };

/** The listener of a connection. */
export type ConnectionListener = {
  onMessage?(message: Message): void;
  /** A FIN, REQ or TOUCH was refused, or an error arrived that answers no command. */
  onRefusal?(text: string): void;
};

export class Connection {
  /** Resolves when the connection has closed, for whatever reason. */
  readonly ended: Promise<void>;

  readonly #socket: Socket;
  readonly #listener: ConnectionListener;
  readonly #questions: ((answer: string | null) => void)[] = [];
  #rest: Buffer = Buffer.alloc(0);
  #hasEnded = false;

  /** Connects, and sends the magic bytes. Errors: rejects if the connection is refused. */
  static async open(
    port: number,
    listener: ConnectionListener = {},
    host = '127.0.0.1',
  ): Promise<Connection> {
    const socket = connect({ port, host, noDelay: true });
    await once(socket, 'connect');
    socket.write(MAGIC);
    return new Connection(socket, listener);
  }

  private constructor(socket: Socket, listener: ConnectionListener) {
    this.#socket = socket;
    this.#listener = listener;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    // the end follows, and only that counts
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#hasEnded = true;
      for (const answer of this.#questions.splice(0)) answer(null);
      resolve();
    });
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Sends a command that has no answer. */
  send(...pieces: readonly Buffer[]): void {
    if (!this.#hasEnded)
      this.#socket.write(pieces.length === 1 ? pieces[0] : Buffer.concat(pieces));
  }

  /** Sends a command. Resolves with the text of the answer, including errors; null if the connection ends before. */
  ask(bytes: Buffer): Promise<string | null> {
    if (this.#hasEnded) return Promise.resolve(null);
    this.#socket.write(bytes);
    return new Promise((resolve) => this.#questions.push(resolve));
  }

  /** Closes the connection at once. */
  destroy(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (at + HEADER_BYTES <= bytes.length) {
      const end = at + TYPE_BYTES + bytes.readUInt32BE(at);
      if (end > bytes.length) break;
      this.#onFrame(bytes.readUInt32BE(at + TYPE_BYTES), bytes.subarray(at + HEADER_BYTES, end));
      at = end;
    }
    this.#rest = bytes.subarray(at);
  }

  #onFrame(type: number, data: Buffer): void {
    if (type === MESSAGE_TYPE) {
      this.#listener.onMessage?.({
        id: data.toString('latin1', 10, MESSAGE_HEADER_BYTES),
        attempts: data.readUInt16BE(8),
        body: data.subarray(MESSAGE_HEADER_BYTES),
      });
      return;
    }
    const text = data.toString('latin1');
    if (text === '_heartbeat_') this.send(NOP);
    else if (type === ERROR_TYPE && REFUSALS.test(text)) this.#listener.onRefusal?.(text);
    else {
      const answer = this.#questions.shift();
      if (answer !== undefined) answer(text);
      else if (type === ERROR_TYPE) this.#listener.onRefusal?.(text);
    }
  }
}
