/**
 * A client that sends whatever bytes it is given, and reads frames only when it is asked for one: until then the
 * system stops the broker's writing as soon as its buffers are full.
 *
 * Thread: main.
 */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { BrokerProcess, CleanUp } from './broker-process.ts';
import { MAGIC } from './wire-commands.ts';

const TYPES = ['response', 'error', 'message'] as const;
const HEADER_BYTES = 8;
const TYPE_BYTES = 4;
const HEARTBEAT = '_heartbeat_';

/** What the broker sends. */
export type Frame = { readonly type: (typeof TYPES)[number]; readonly data: Buffer };

/** A message as it is on the wire. */
export type WireMessage = { readonly id: string; readonly attempts: number; readonly body: Buffer };

export class WireClient {
  readonly #socket: Socket;
  readonly #chunks: AsyncIterator<Buffer>;
  #bytes = Buffer.alloc(0);
  /** Why the connection ended otherwise than by the broker's end of it, if it did. */
  failure: NodeJS.ErrnoException | undefined;

  /** Connects, sends the magic bytes and then `first`. */
  static async connect(
    t: CleanUp,
    { tcpPort }: BrokerProcess,
    ...first: readonly Buffer[]
  ): Promise<WireClient> {
    const client = await WireClient.connectSilently(t, tcpPort);
    client.send(MAGIC, ...first);
    return client;
  }

  /** Connects, and sends nothing. */
  static async connectSilently(t: CleanUp, port: number): Promise<WireClient> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    await once(socket, 'connect');
    const client = new WireClient(socket);
    t.after(async () => void socket.destroy());
    return client;
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#chunks = socket.iterator({ destroyOnReturn: false });
    socket.on('error', (error) => {
      this.failure = error;
    });
  }

  /** Bytes that the system has not taken yet. */
  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  send(...pieces: readonly Buffer[]): void {
    this.#socket.write(Buffer.concat(pieces));
  }

  /** Sends, and resolves when the system has taken it. */
  async sendWhole(bytes: Buffer): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#socket.write(bytes, () => resolve());
    await promise;
  }

  /** Ends this side. */
  halfClose(): void {
    this.#socket.end();
  }

  /** Ends the connection as a client that crashes does. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  /** The next frame that is no heartbeat; null when the broker has ended the connection. */
  async next(): Promise<Frame | null> {
    for (;;) {
      const frame = this.#take();
      if (frame === undefined) {
        const chunk = await this.#read();
        if (chunk === null) return null;
        this.#bytes = Buffer.concat([this.#bytes, chunk]);
      } else if (frame.type !== 'response' || frame.data.toString() !== HEARTBEAT) {
        return frame;
      }
    }
  }

  /** The next frame as text: its data, behind `error: ` or `message: ` when it is no response. */
  async nextText(): Promise<string | null> {
    const frame = await this.next();
    if (frame === null) return null;
    if (frame.type === 'message')
      return `message: ${toMessage(frame.data).body.toString('latin1')}`;
    const text = frame.data.toString('latin1');
    return frame.type === 'error' ? `error: ${text}` : text;
  }

  /** So many frames as text. */
  async texts(count: number): Promise<(string | null)[]> {
    const texts: (string | null)[] = [];
    for (let i = 0; i < count; i++) texts.push(await this.nextText());
    return texts;
  }

  /** All frames as text until the broker ends the connection. */
  async textsToEnd(): Promise<string[]> {
    const texts: string[] = [];
    for (let text = await this.nextText(); text !== null; text = await this.nextText()) {
      texts.push(text);
    }
    return texts;
  }

  /** Reads whatever comes until the broker ends the connection. */
  async drain(): Promise<void> {
    while ((await this.#read()) !== null);
  }

  /** The next frame, which has to be a message. */
  async nextMessage(): Promise<WireMessage> {
    const frame = await this.next();
    if (frame?.type === 'message') return toMessage(frame.data);
    const what = frame === null ? 'the end' : `${frame.type} ${frame.data}`;
    throw new Error(`a message was expected, and ${what} came`);
  }

  #take(): Frame | undefined {
    if (this.#bytes.length < HEADER_BYTES) return undefined;
    const size = this.#bytes.readInt32BE(0);
    if (size < TYPE_BYTES) throw new Error(`a frame of ${size} bytes came`);
    const end = TYPE_BYTES + size;
    if (this.#bytes.length < end) return undefined;
    const type = TYPES[this.#bytes.readInt32BE(TYPE_BYTES)];
    const data = this.#bytes.subarray(HEADER_BYTES, end);
    this.#bytes = this.#bytes.subarray(end);
    return { type, data };
  }

  async #read(): Promise<Buffer | null> {
    try {
      const { value, done } = await this.#chunks.next();
      return done ? null : value;
    } catch (error) {
      // the listener has kept it, for those who care how the connection ended
      if (error === this.failure) return null;
      throw error;
    }
  }
}

function toMessage(data: Buffer): WireMessage {
  return {
    id: data.toString('latin1', 10, 26),
    attempts: data.readUInt16BE(8),
    body: data.subarray(26),
  };
}
