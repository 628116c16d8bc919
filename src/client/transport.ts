/**
 * The bytes of a connection, through TLS and compression if negotiated.
 *
 * Thread: any.
 */

import type { Duplex } from 'node:stream';
import {
  type TLSSocket,
  type ConnectionOptions as TlsOptions,
  connect as tlsConnect,
} from 'node:tls';
import type { CompressionCodec } from '../protocol/compression/codec.ts';

/** The listener of a transport. */
export type TransportListener = {
  /** Bytes, which are not changed later. */
  onData(bytes: Buffer): void;
  /** All written bytes have left the process, after some of them had to wait. */
  onDrain(): void;
  /** The transport has closed. Called once. */
  onClose(cause: Error | null): void;
};

/** The bytes of one connection. */
export class Transport {
  readonly #listener: TransportListener;
  #stream: Duplex;
  #codec: CompressionCodec | null = null;
  /** Output that waits for the encoder. */
  #toEncode: Buffer[] = [];
  #isEncoding = false;
  #isEnding = false;
  /** Whether the decoder still processes input from before the end. */
  #isDecodingEnd = false;
  #isClosed = false;
  #cause: Error | null = null;

  /** `stream` is connected. */
  constructor(stream: Duplex, listener: TransportListener) {
    this.#stream = stream;
    this.#listener = listener;
    this.#adopt(stream);
  }

  /** Bytes that were written but have not left the process. */
  get queuedBytes(): number {
    return (
      this.#stream.writableLength + this.#toEncode.reduce((sum, { length }) => sum + length, 0)
    );
  }

  /**
   * Upgrades to TLS. Resolves when the broker's certificate is accepted.
   *
   * Errors: rejects with the TLS error. The transport is then closed.
   */
  startTls(options: TlsOptions): Promise<void> {
    const plain = this.#stream;
    plain.removeAllListeners('data');
    plain.removeAllListeners('close');
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const secure: TLSSocket = tlsConnect({ ...options, socket: plain }, resolve);
    plain.on('error', (error) => secure.destroy(error));
    plain.on('close', () => secure.destroy());
    this.#stream = secure;
    secure.on('error', reject);
    secure.on('close', () => reject(this.#cause ?? new Error('the connection was closed')));
    this.#adopt(secure);
    return promise;
  }

  /** Starts to compress both directions. `early`: compressed input that has already arrived. */
  startCodec(codec: CompressionCodec, early: Buffer): void {
    this.#codec = codec;
    codec.decoder.listen({
      // the decoder reuses its memory
      onData: (bytes) => this.#listener.onData(Buffer.from(bytes)),
      onUsed: () => {
        this.#stream.resume();
      },
      onEnd: () => this.destroy(null),
      onError: (error) => this.destroy(error),
    });
    if (early.length > 0) this.#onBytes(early);
  }

  write(bytes: Buffer): void {
    if (this.#isClosed || this.#isEnding) return;
    if (this.#codec === null) this.#stream.write(bytes);
    else {
      this.#toEncode.push(bytes);
      this.#encode(this.#codec);
    }
  }

  /** Sends pending output, then closes the client's side. */
  end(): void {
    if (this.#isClosed || this.#isEnding) return;
    this.#isEnding = true;
    if (!this.#isEncoding) this.#stream.end();
  }

  /** Drops everything and closes at once. */
  destroy(cause: Error | null): void {
    this.#cause ??= cause;
    this.#stream.destroy();
    // a destroyed stream emits its events later
    this.#close();
  }

  #adopt(stream: Duplex): void {
    stream.on('data', (bytes: Buffer) => this.#onBytes(bytes));
    stream.on('drain', () => this.#listener.onDrain());
    stream.on('error', (error) => {
      this.#cause ??= error;
    });
    stream.on('end', () => this.#onEnd());
    stream.on('close', () => {
      if (!this.#isDecodingEnd || this.#cause !== null) this.#close();
    });
  }

  #onEnd(): void {
    if (this.#codec === null || this.#isClosed) this.destroy(null);
    else {
      this.#isDecodingEnd = true;
      this.#codec.decoder.end();
    }
  }

  #onBytes(bytes: Buffer): void {
    if (this.#isClosed) return;
    if (this.#codec === null) {
      this.#listener.onData(bytes);
      return;
    }
    this.#stream.pause();
    this.#codec.decoder.decode(bytes);
  }

  #encode(codec: CompressionCodec): void {
    if (this.#isEncoding || this.#toEncode.length === 0) return;
    const buffers = this.#toEncode;
    this.#toEncode = [];
    this.#isEncoding = true;
    codec.encoder.encode(buffers, (encoded) => {
      this.#isEncoding = false;
      if (this.#isClosed) return;
      for (const bytes of encoded) this.#stream.write(bytes);
      if (this.#toEncode.length > 0) this.#encode(codec);
      else if (this.#isEnding) this.#stream.end();
      else if (!this.#stream.writableNeedDrain) this.#listener.onDrain();
    });
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#codec?.encoder.close();
    this.#codec?.decoder.close();
    this.#toEncode = [];
    this.#listener.onClose(this.#cause);
  }
}
