/**
 * A client that puts TLS and compression on its connection, one after the other and only when a test says so.
 *
 * Its compression is the broker's own, used from the other side; nsqjs, which has another, is tested as well.
 *
 * Thread: main.
 */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { deflateCodec, snappyCodec } from '../../src/main/compression/codecs.ts';
import { CompressedTransport } from '../../src/main/tcp/compressed-transport.ts';
import { SocketTransport } from '../../src/main/tcp/socket-transport.ts';
import type { Transport } from '../../src/main/tcp/transport.ts';
import type { BrokerProcess, CleanUp } from './broker-process.ts';
import { identify, MAGIC } from './wire-commands.ts';

/** What compresses a connection. */
export type CompressionKind = 'snappy' | 'deflate';

const PREFIXES = ['', 'error: ', 'message: '];
const HEADER_BYTES = 8;
const TYPE_BYTES = 4;
const MESSAGE_TYPE = 2;
const MESSAGE_HEADER_BYTES = 26;
const ID_START = 10;
const DEFLATE_LEVEL = 6;
const HEARTBEAT = '_heartbeat_';

export class LayeredClient {
  /** The connection, or TLS upon it: what compressed bytes are written to. */
  #socket: Socket;
  #plain: SocketTransport;
  #top: Transport;
  #bytes = Buffer.alloc(0);
  #hasEnded = false;
  #onNews: () => void = () => undefined;
  /** Of the message that came last. */
  messageId = '';

  /** Connects, and sends the magic bytes. */
  static async connect(t: CleanUp, { tcpPort }: BrokerProcess): Promise<LayeredClient> {
    const socket = connect({ port: tcpPort, host: '127.0.0.1', noDelay: true });
    t.after(async () => void socket.destroy());
    await once(socket, 'connect');
    socket.write(MAGIC);
    return new LayeredClient(socket);
  }

  /** Connects, and puts on what `settings` ask for in IDENTIFY. Errors: rejects when a layer is not confirmed. */
  static async upgraded(
    t: CleanUp,
    broker: BrokerProcess,
    settings: Readonly<Record<string, unknown>>,
    options: ConnectionOptions = {},
  ): Promise<LayeredClient> {
    const client = await LayeredClient.connect(t, broker);
    await client.identify(settings);
    if (settings['tls_v1'] === true) {
      await client.secure(options);
      await client.expectOk();
    }
    if (settings['snappy'] === true || settings['deflate'] === true) {
      client.compress(settings['snappy'] === true ? 'snappy' : 'deflate');
      await client.expectOk();
    }
    return client;
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#plain = new SocketTransport(socket);
    this.#top = this.#plain;
    this.#listen();
  }

  /** Bytes that were received and belong to no frame that was taken. */
  get unreadBytes(): number {
    return this.#bytes.length;
  }

  /** Sends IDENTIFY, and returns its answer. */
  async identify(settings: Readonly<Record<string, unknown>>): Promise<string> {
    this.send(identify({ feature_negotiation: true, ...settings }));
    return (await this.nextText()) ?? 'the end';
  }

  /** Makes the handshake, which accepts any certificate unless the options say otherwise. */
  async secure(options: ConnectionOptions = {}): Promise<TLSSocket> {
    const socket = this.#plain.release();
    const secured = tlsConnect({
      rejectUnauthorized: false,
      servername: 'localhost',
      ...options,
      socket,
    });
    await once(secured, 'secureConnect');
    this.#socket = secured;
    this.#plain = new SocketTransport(secured);
    this.#top = this.#plain;
    this.#listen();
    return secured;
  }

  compress(kind: CompressionKind): void {
    const codec = kind === 'snappy' ? snappyCodec() : deflateCodec(DEFLATE_LEVEL);
    this.#top = new CompressedTransport(this.#top, codec);
    this.#listen();
    // The broker need not wait for anything before it says OK, which may have come with its answer.
    const compressed = this.#bytes;
    this.#bytes = Buffer.alloc(0);
    if (compressed.length > 0) this.#socket.unshift(compressed);
  }

  /** Sends through all layers. */
  send(...pieces: readonly Buffer[]): void {
    this.#top.write([Buffer.concat(pieces)], () => undefined);
  }

  /** Sends what the broker takes for compressed. */
  sendCompressed(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** Ends this side. */
  end(): void {
    this.#socket.end();
  }

  /** The next frame as text: its data, behind `error: ` or `message: ` when it is no response; null at the end. */
  async nextText(): Promise<string | null> {
    for (;;) {
      const text = this.#take();
      if (text !== undefined && text !== HEARTBEAT) return text;
      if (text === undefined && this.#hasEnded) return null;
      if (text === undefined) await this.#somethingNew();
    }
  }

  /** So many frames as text. */
  async texts(count: number): Promise<(string | null)[]> {
    const texts: (string | null)[] = [];
    for (let i = 0; i < count; i++) texts.push(await this.nextText());
    return texts;
  }

  /** All frames as text until the connection ends. */
  async textsToEnd(): Promise<string[]> {
    const texts: string[] = [];
    for (let text = await this.nextText(); text !== null; text = await this.nextText()) {
      texts.push(text);
    }
    return texts;
  }

  /** Errors: rejects when what comes next is something else. */
  async expectOk(): Promise<void> {
    const text = await this.nextText();
    if (text !== 'OK') throw new Error(`OK was expected, and ${text ?? 'the end'} came`);
  }

  #take(): string | undefined {
    if (this.#bytes.length < HEADER_BYTES) return undefined;
    const end = TYPE_BYTES + this.#bytes.readInt32BE(0);
    if (this.#bytes.length < end) return undefined;
    const type = this.#bytes.readInt32BE(TYPE_BYTES);
    const data = this.#bytes.subarray(HEADER_BYTES, end);
    this.#bytes = this.#bytes.subarray(end);
    if (type !== MESSAGE_TYPE) return `${PREFIXES[type]}${data.toString('latin1')}`;
    this.messageId = data.toString('latin1', ID_START, MESSAGE_HEADER_BYTES);
    return `${PREFIXES[type]}${data.toString('latin1', MESSAGE_HEADER_BYTES)}`;
  }

  #listen(): void {
    const onEnd = (): void => {
      this.#hasEnded = true;
      this.#onNews();
    };
    this.#top.listen({
      onData: (bytes) => {
        this.#bytes = Buffer.concat([this.#bytes, bytes]);
        this.#onNews();
      },
      onEnd,
      // what matters is that it ended; the broker says why in a frame or in its log
      onError: onEnd,
      onClose: onEnd,
    });
  }

  #somethingNew(): Promise<void> {
    return new Promise((resolve) => {
      this.#onNews = resolve;
    });
  }
}
