/**
 * A load generator's connection: plain, over a stream such as TLS, or compressed.
 */

import type { Socket } from 'node:net';
import net from 'node:net';
import { type HostPort, joinHostPort } from '../../../src/daemon/host-port.ts';
import type { Codec } from '../../../src/protocol/compression/codec.ts';

/** Who is told what comes over a link. */
export interface LinkListener {
  /** The first `end` bytes of a chunk, which may be overwritten as soon as the call returns. */
  onBytes(chunk: Buffer, end: number): void;
  /** The link is gone, and it was not this side that closed it. */
  onGone(error: Error): void;
}

export interface Link {
  /** The listener from now on. */
  listen(listener: LinkListener): void;
  /** Sends bytes; returns whether they may be overwritten at once, else never. */
  send(bytes: Buffer): boolean;
  /** Ends the connection cleanly; what was sent before still goes out. */
  close(): void;
}

/** What stands between the generator and the wire. */
export type Layers = {
  readonly tls: boolean;
  readonly compression: 'none' | 'snappy' | 'deflate';
};

/** A listener for as long as nobody else is interested. */
const NOBODY: LinkListener = { onBytes: () => undefined, onGone: () => undefined };

/**
 * All links of a process read into the same memory: a read is taken before the next one begins, and thousands of
 * links with memory of their own would weigh more than what they measure.
 */
const READ_BUFFER = Buffer.allocUnsafeSlow(1 << 18);

export class PlainLink implements Link {
  readonly #socket: net.Socket;
  #listener: LinkListener = NOBODY;
  #isClosed = false;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
  }

  /** Resolves when connected. Nothing is sent yet. Errors: rejects with the address and why. */
  static connect(address: HostPort): Promise<PlainLink> {
    return new Promise((resolve, reject) => {
      const socket = net.connect({
        ...address,
        noDelay: true,
        onread: {
          buffer: READ_BUFFER,
          callback: (end) => {
            link.#listener.onBytes(READ_BUFFER, end);
            return true;
          },
        },
      });
      const link = new PlainLink(socket);
      const place = joinHostPort(address.host, address.port);
      let isConnected = false;
      socket.once('connect', () => {
        isConnected = true;
        resolve(link);
      });
      socket.on('error', (cause) => {
        if (isConnected) link.#onGone(new Error(`${place}: ${cause.message}`, { cause }));
        else reject(new Error(`connect to ${place}: ${cause.message}`, { cause }));
      });
      socket.on('close', () => link.#onGone(new Error(`${place} closed a connection`)));
    });
  }

  listen(listener: LinkListener): void {
    this.#listener = listener;
  }

  send(bytes: Buffer): boolean {
    this.#socket.write(bytes);
    // nothing waits: the system has taken it all
    return this.#socket.writableLength === 0;
  }

  close(): void {
    this.#isClosed = true;
    this.#listener = NOBODY;
    this.#socket.destroySoon();
  }

  #onGone(error: Error): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#listener.onGone(error);
  }
}

export class StreamLink implements Link {
  readonly #socket: Socket;
  #listener: LinkListener = NOBODY;
  #isClosed = false;

  /** `place`: what the server is called in errors. */
  constructor(socket: Socket, place: string) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#listener.onBytes(chunk, chunk.length));
    socket.on('error', (cause) => this.#onGone(new Error(`${place}: ${cause.message}`, { cause })));
    socket.on('close', () => this.#onGone(new Error(`${place} closed a connection`)));
    // paused since somebody read its first frame
    socket.resume();
  }

  listen(listener: LinkListener): void {
    this.#listener = listener;
  }

  /** Bytes may still be on their way to be encrypted. */
  send(bytes: Buffer): boolean {
    this.#socket.write(bytes);
    return false;
  }

  close(): void {
    this.#isClosed = true;
    this.#listener = NOBODY;
    this.#socket.destroySoon();
  }

  #onGone(error: Error): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#listener.onGone(error);
  }
}

export class CompressedLink implements Link {
  readonly #below: Link;
  readonly #codec: Codec;
  #listener: LinkListener = NOBODY;
  /** Output that waits for the encoder. */
  #waiting: Buffer[] = [];
  #isEncoding = false;
  /** Input that waits for the decoder, which takes one chunk at a time. */
  readonly #input: Buffer[] = [];
  #isDecoding = false;

  constructor(below: Link, codec: Codec) {
    this.#below = below;
    this.#codec = codec;
    codec.decoder.listen({
      onData: (bytes) => this.#listener.onBytes(bytes, bytes.length),
      onUsed: () => {
        this.#isDecoding = false;
        this.#decode();
      },
      onEnd: () => undefined,
      onError: (error) => this.#listener.onGone(error),
    });
    below.listen({
      onBytes: (chunk, end) => {
        this.#input.push(Buffer.from(chunk.subarray(0, end)));
        this.#decode();
      },
      onGone: (error) => this.#listener.onGone(error),
    });
  }

  listen(listener: LinkListener): void {
    this.#listener = listener;
  }

  send(bytes: Buffer): boolean {
    this.#waiting.push(bytes);
    this.#encode();
    return false;
  }

  close(): void {
    this.#listener = NOBODY;
    this.#codec.encoder.close();
    this.#codec.decoder.close();
    this.#below.close();
  }

  #encode(): void {
    if (this.#isEncoding || this.#waiting.length === 0) return;
    this.#isEncoding = true;
    const buffers = this.#waiting;
    this.#waiting = [];
    this.#codec.encoder.encode(buffers, (encoded) => {
      this.#isEncoding = false;
      for (const bytes of encoded) this.#below.send(bytes);
      this.#encode();
    });
  }

  #decode(): void {
    if (this.#isDecoding) return;
    const chunk = this.#input.shift();
    if (chunk === undefined) return;
    this.#isDecoding = true;
    this.#codec.decoder.decode(chunk);
  }
}
