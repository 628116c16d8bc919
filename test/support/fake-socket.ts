/**
 * A client's socket as the broker sees it, without a network: the test sends bytes into it, reads what was written to
 * it, and decides when writes are accepted.
 *
 * Thread: any.
 */

import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

const FRAME_KINDS: readonly string[] = ['response', 'error', 'message'];
const MESSAGE_HEADER_BYTES = 26;

export class FakeSocket {
  /** The object that a connection uses as its socket. */
  readonly socket: Socket;
  /** While it is stalled, writes are accepted only by `take`. */
  isStalled = false;
  /** Whether the broker has ended its side, or closed the socket after the client ended its own. */
  hasEnded = false;
  /** Errors that the stream has reported. */
  readonly errors: Error[] = [];
  readonly #stream: Duplex;
  readonly #written: Buffer[] = [];
  #untaken: (() => void)[] = [];
  #readFrames = 0;

  constructor(remoteAddress: string | undefined = '127.0.0.1', remotePort = 50_000) {
    const stream = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, done) => this.#write([chunk], done),
      writev: (chunks, done) =>
        this.#write(
          chunks.map(({ chunk }) => chunk),
          done,
        ),
      final: (done) => {
        this.hasEnded = true;
        done();
      },
      destroy: (error, done) => {
        if (stream.readableEnded && this.#untaken.length === 0) this.hasEnded = true;
        done(error);
      },
    });
    stream.on('error', (error) => this.errors.push(error));
    this.#stream = stream;
    const likeSocket = Object.assign(stream, {
      remoteAddress,
      remotePort,
      setNoDelay: () => undefined,
      destroySoon: () => stream.end(() => stream.destroy()),
    });
    // It has everything that a connection uses of a socket.
    this.socket = likeSocket as unknown as Socket;
  }

  get isDestroyed(): boolean {
    return this.#stream.destroyed;
  }

  /** Whether the broker has stopped reading. */
  get isPaused(): boolean {
    return this.#stream.isPaused();
  }

  /** Bytes that were written so far. */
  get written(): Buffer {
    return Buffer.concat(this.#written);
  }

  send(bytes: Buffer | string): void {
    this.#stream.push(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** Ends the client's side. */
  end(): void {
    this.#stream.push(null);
  }

  /** Accepts all pending writes. */
  take(): void {
    const untaken = this.#untaken;
    this.#untaken = [];
    for (const done of untaken) done();
  }

  /** Frames since the last call, as `response OK`, `error E_X y`, `message <attempts> <body>`. */
  frames(): string[] {
    const all = parseFrames(this.written);
    const fresh = all.slice(this.#readFrames);
    this.#readFrames = all.length;
    return fresh;
  }

  #write(chunks: readonly Buffer[], done: () => void): void {
    // The broker may reuse written memory as soon as the write is accepted.
    for (const chunk of chunks) this.#written.push(Buffer.from(chunk));
    if (this.isStalled) this.#untaken.push(done);
    else done();
  }
}

/** All whole frames, as texts. Errors: throws if the bytes are not frames. */
export function parseFrames(bytes: Buffer): string[] {
  const frames: string[] = [];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const end = at + 4 + bytes.readInt32BE(at);
    const kind = FRAME_KINDS[bytes.readInt32BE(at + 4)];
    if (kind === undefined || end < at + 8) throw new Error('the bytes are no frames');
    if (end > bytes.length) break;
    const data = bytes.subarray(at + 8, end);
    frames.push(kind === 'message' ? messageText(data) : `${kind} ${data.toString('latin1')}`);
    at = end;
  }
  return frames;
}

/** Ids of the messages among the frames, in order. */
export function messageIds(bytes: Buffer): string[] {
  return messagesOf(bytes).map(({ id }) => id);
}

/** The messages among the frames, in order. */
export function messagesOf(bytes: Buffer): { id: string; body: string }[] {
  const messages: { id: string; body: string }[] = [];
  for (let at = 0; at + 8 <= bytes.length; at += 4 + bytes.readInt32BE(at)) {
    if (bytes.readInt32BE(at + 4) !== 2) continue;
    const end = at + 4 + bytes.readInt32BE(at);
    const id = bytes.toString('latin1', at + 18, at + 34);
    messages.push({ id, body: bytes.toString('latin1', at + 34, end) });
  }
  return messages;
}

function messageText(data: Buffer): string {
  return `message ${data.readUInt16BE(8)} ${data.toString('latin1', MESSAGE_HEADER_BYTES)}`;
}
