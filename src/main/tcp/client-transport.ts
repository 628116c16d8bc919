/**
 * A client's transport: first a plain socket, to which TLS and then compression are added if the client negotiates
 * them. Its user does not depend on the layers.
 *
 * Thread: main. Source: nsqd `clientV2.UpgradeTLS`, `UpgradeSnappy`, `UpgradeDeflate`.
 */

import type { Socket } from 'node:net';
import type { TlsContext } from '../../daemon/tls/tls-context.ts';
import { type TlsFacts, tlsFacts } from '../../daemon/tls/tls-facts.ts';
import type { TlsFailure } from '../../daemon/tls/tls-failure.ts';
import { upgradeToTls } from '../../daemon/tls/tls-upgrade.ts';
import type { CompressionCodec } from '../../protocol/compression/codec.ts';
import { assert } from '../../shared/assert.ts';
import type { Clock } from '../../shared/clock.ts';
import { CompressedTransport } from './compressed-transport.ts';
import { SocketTransport } from './socket-transport.ts';
import type { Transport, TransportListener } from './transport.ts';

/** The parameters of an upgrade to TLS. */
export type TransportUpgrade = {
  readonly context: Pick<TlsContext, 'handshake'>;
  readonly clock: Pick<Clock, 'after'>;
  /** The error frame to send, in plain text, when the handshake fails. */
  readonly handshakeErrorFrame: (failure: TlsFailure) => Buffer;
  /** The input that was read after the last plain command. */
  readonly firstBytes?: Buffer;
};

type Write = { readonly buffers: readonly Buffer[]; readonly onTaken: () => void };

const NOTHING = Buffer.alloc(0);

export class ClientTransport implements Transport {
  readonly #socket: Socket;
  #top: Transport;
  #listener: TransportListener | null = null;
  /** Requests to repeat for the next layer. They are flags rather than states: any of them may be combined. */
  #isPaused = false;
  #isDiscarding = false;
  #isEnding = false;
  #isClosed = false;
  /** Output that waits for the end of a TLS handshake; null at other times. */
  #held: Write[] | null = null;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#top = new SocketTransport(socket);
  }

  get isDestroyed(): boolean {
    return this.#socket.destroyed;
  }

  listen(listener: TransportListener): void {
    this.#listener = listener;
    this.#listen();
  }

  write(buffers: readonly Buffer[], onTaken: () => void): void {
    if (this.#held === null) this.#top.write(buffers, onTaken);
    else if (!this.#socket.destroyed) this.#held.push({ buffers, onTaken });
  }

  pause(): void {
    this.#isPaused = true;
    if (this.#held === null) this.#top.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#held === null) this.#top.resume();
  }

  discardInput(): void {
    this.#isDiscarding = true;
    if (this.#held === null) this.#top.discardInput();
  }

  end(): void {
    this.#isEnding = true;
    if (this.#held === null) this.#top.end();
  }

  destroy(): void {
    // During a handshake the socket belongs to TLS, not to the top layer.
    if (this.#held === null) this.#top.destroy();
    else this.#socket.destroy();
  }

  /**
   * Upgrades the socket to TLS. After the handshake all data passes through it, output written meanwhile first.
   *
   * Errors: rejects with a `TlsFailure`; the error frame has been sent and the connection closes, which the listener
   * learns as usual.
   */
  async secure(upgrade: TransportUpgrade): Promise<TlsFacts> {
    const plain = this.#top;
    assert(plain instanceof SocketTransport && this.#held === null, 'TLS is the first layer');
    const held: Write[] = [];
    this.#held = held;
    const socket = plain.release();
    // After the handshake the top layer reports the close, after all its other events.
    socket.once('close', () => {
      if (this.#held !== null) this.#onClose();
    });
    const secured = await upgradeToTls(socket, { firstBytes: NOTHING, ...upgrade });
    const facts = tlsFacts(secured);
    this.#held = null;
    this.#top = new SocketTransport(secured);
    this.#listen();
    for (const { buffers, onTaken } of held) this.#top.write(buffers, onTaken);
    if (this.#isDiscarding) this.#top.discardInput();
    if (this.#isEnding) this.#top.end();
    return facts;
  }

  /** Compresses both directions from now on; earlier output stays uncompressed. */
  compress(codec: CompressionCodec): void {
    assert(this.#held === null, 'compression comes after TLS');
    this.#top = new CompressedTransport(this.#top, codec);
    this.#listen();
  }

  #listen(): void {
    const listener = this.#listener;
    if (listener === null) return;
    if (this.#isPaused) this.#top.pause();
    this.#top.listen({ ...listener, onClose: () => this.#onClose() });
  }

  #onClose(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#listener?.onClose();
  }
}
