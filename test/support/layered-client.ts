/**
 * A client that adds TLS and compression to its connection, one after the other and only when a test requests it.
 *
 * Its compression is the broker's own, used from the other side; nsqjs, which has its own, is tested as well.
 *
 * Thread: main.
 */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, type TLSSocket, connect as tlsConnect } from 'node:tls';
import type { BrokerProcess } from '../../scripts/kit/broker.ts';
import { CompressedTransport } from '../../src/main/tcp/compressed-transport.ts';
import { SocketTransport } from '../../src/main/tcp/socket-transport.ts';
import type { Transport } from '../../src/main/tcp/transport.ts';
import { identify, MAGIC } from '../../src/protocol/commands.ts';
import { deflateCodec, snappyCodec } from '../../src/protocol/compression/codecs.ts';
import type { CleanUp } from './broker-process.ts';
import { frameText, takeTexts, takeTextsToEnd } from './frame-texts.ts';
import { ReceivedFrames, toMessage } from './received-frames.ts';

/** The compression of a connection. */
export type CompressionKind = 'snappy' | 'deflate';

const DEFLATE_LEVEL = 6;

export class LayeredClient {
  /** The connection, or TLS over it: the destination of compressed bytes. */
  #socket: Socket;
  #plain: SocketTransport;
  #top: Transport;
  readonly #frames = new ReceivedFrames();
  #hasEnded = false;
  #onNews: () => void = () => undefined;
  /** The attempts of the last message. */
  messageId = '';

  /** Connects, and sends the magic bytes. */
  static async connect(t: CleanUp, { tcpPort }: BrokerProcess): Promise<LayeredClient> {
    const socket = connect({ port: tcpPort, host: '127.0.0.1', noDelay: true });
    t.after(async () => void socket.destroy());
    await once(socket, 'connect');
    socket.write(MAGIC);
    return new LayeredClient(socket);
  }

  /** Connects, and adds the layers that `settings` request in IDENTIFY. Errors: rejects if a layer is not confirmed. */
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

  /** Received bytes that belong to no frame that was read. */
  get unreadBytes(): number {
    return this.#frames.restBytes;
  }

  /** Sends IDENTIFY, and returns its answer. */
  async identify(settings: Readonly<Record<string, unknown>>): Promise<string> {
    this.send(identify({ feature_negotiation: true, ...settings }));
    return (await this.nextText()) ?? 'the end';
  }

  /**
   * Performs the handshake, which accepts any certificate unless the options say otherwise. `between` may insert a
   * stream between TLS and the connection.
   */
  async secure(
    options: ConnectionOptions = {},
    between: (socket: Socket) => Duplex = (socket) => socket,
  ): Promise<TLSSocket> {
    const socket = between(this.#plain.release());
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
    // The broker need not wait for anything before it sends OK, which may have arrived with its answer.
    const compressed = this.#frames.takeRest();
    if (compressed.length > 0) this.#socket.unshift(compressed);
  }

  /** Sends through all layers. */
  send(...pieces: readonly Buffer[]): void {
    this.#top.write([Buffer.concat(pieces)], () => undefined);
  }

  /** Sends bytes that the broker decompresses. */
  sendCompressed(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** Ends this side, after everything that was sent. */
  end(): void {
    this.#top.end();
  }

  /** The next frame as text; null at the end. */
  async nextText(): Promise<string | null> {
    for (;;) {
      const frame = this.#frames.take();
      if (frame?.type === 'message') this.messageId = toMessage(frame.data).id;
      if (frame !== undefined) return frameText(frame);
      if (this.#hasEnded) return null;
      await this.#somethingNew();
    }
  }

  /** This many frames as text. */
  texts(count: number): Promise<(string | null)[]> {
    return takeTexts(this, count);
  }

  /** All frames as text until the connection ends. */
  textsToEnd(): Promise<string[]> {
    return takeTextsToEnd(this);
  }

  /** Errors: rejects if the next frame is different. */
  async expectOk(): Promise<void> {
    const text = await this.nextText();
    if (text !== 'OK') throw new Error(`OK was expected, and ${text ?? 'the end'} came`);
  }

  #listen(): void {
    const onEnd = (): void => {
      this.#hasEnded = true;
      this.#onNews();
    };
    this.#top.listen({
      onData: (bytes) => {
        this.#frames.add(bytes);
        this.#onNews();
      },
      onEnd,
      // only the end matters; the broker gives the reason in a frame or in its log
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
