/**
 * A client that sends any bytes, and reads frames only when it is asked for one: until then the system stops the
 * broker's writing as soon as its buffers are full.
 *
 * Thread: main.
 */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { BrokerProcess } from '../../scripts/kit/broker.ts';
import { MAGIC } from '../../src/protocol/commands.ts';
import type { CleanUp } from './broker-process.ts';
import { frameText, takeTexts, takeTextsToEnd } from './frame-texts.ts';
import { type Frame, ReceivedFrames, toMessage, type WireMessage } from './received-frames.ts';

export class WireClient {
  readonly #socket: Socket;
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #frames = new ReceivedFrames();
  /** Why the connection ended, unless the broker has ended it. */
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
  static async connectSilently(t: CleanUp, port: number, host = '127.0.0.1'): Promise<WireClient> {
    const socket = connect({ port, host, allowHalfOpen: true, noDelay: true });
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

  /** Sends bytes. Resolves when the system has taken them. */
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

  /** The next frame that is not a heartbeat; null when the broker has ended the connection. */
  async next(): Promise<Frame | null> {
    for (;;) {
      const frame = this.#frames.take();
      if (frame !== undefined) return frame;
      const chunk = await this.#read();
      if (chunk === null) return null;
      this.#frames.add(chunk);
    }
  }

  /** The next frame as text. */
  async nextText(): Promise<string | null> {
    const frame = await this.next();
    return frame === null ? null : frameText(frame);
  }

  /** This many frames as text. */
  texts(count: number): Promise<(string | null)[]> {
    return takeTexts(this, count);
  }

  /** All frames as text until the broker ends the connection. */
  textsToEnd(): Promise<string[]> {
    return takeTextsToEnd(this);
  }

  /** Reads and drops everything until the broker ends the connection. */
  async drain(): Promise<void> {
    while ((await this.#read()) !== null);
  }

  /** The next frame, which must be a message. */
  async nextMessage(): Promise<WireMessage> {
    const frame = await this.next();
    if (frame?.type === 'message') return toMessage(frame.data);
    const what = frame === null ? 'the end' : `${frame.type} ${frame.data}`;
    throw new Error(`a message was expected, and ${what} came`);
  }

  async #read(): Promise<Buffer | null> {
    try {
      const { value, done } = await this.#chunks.next();
      return done ? null : value;
    } catch (error) {
      // the listener has recorded it, for tests that check how the connection ended
      if (error === this.failure) return null;
      throw error;
    }
  }
}
