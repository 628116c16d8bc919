/**
 * The output of a client's socket: gathered during a turn, written with one call at its end.
 *
 * Bound: when the socket takes less than is written, `isBackedUp` says so beyond OUTPUT_BYTES_MAX; the
 * connection then takes no more commands, and the pump sends it no more than the consumer's window.
 *
 * Thread: main.
 */

import { OK_FRAME } from '../../protocol/frames.ts';
import { CONSUMER_WINDOW_BYTES } from '../../shared/limits.ts';
import { spareBuffers } from './spare-buffers.ts';
import type { Transport } from './transport.ts';

/** Answers and frames that may wait for a socket before its commands are left unread. */
const OUTPUT_BYTES_MAX = 1024 * 1024;
/** Frames that the socket has taken are reported to the pump in pieces of at least this size. */
const CREDIT_BYTES = CONSUMER_WINDOW_BYTES / 4;
/** Fewer bytes are cheaper to copy into memory that is left to the garbage collector. */
const SPARE_BYTES_MIN = 2048;
/** From this many small buffers on, copying into one is cheaper than writing one by one. */
const JOINED_COUNT_MIN = 16;
const OK_RUN_MAX = 64;
const OK_RUN = Buffer.concat(Array.from({ length: OK_RUN_MAX }, () => OK_FRAME));

/** The listener of a socket's output. */
export type SocketOutputListener = {
  /** There is something to flush at the end of the turn. */
  readonly onPending: () => void;
  /** The socket took this many bytes of message frames since the last call. */
  readonly onCredit: (bytes: number) => void;
  /** The socket has taken everything. */
  readonly onDrained: () => void;
};

export class SocketOutput {
  /** Bytes that the socket has been given and not taken yet. */
  waitingBytes = 0;
  /** Counts the times that the socket has taken something. */
  progress = 0;

  readonly #transport: Transport;
  readonly #listener: SocketOutputListener;
  #pending: Buffer[] = [];
  /** Memory of pending frames that is given back when they are taken. */
  #lent: Buffer[] = [];
  /** `OK`s after everything pending. */
  #okCount = 0;
  /** Of the pending bytes, those of message frames. */
  #pendingFrameBytes = 0;
  #credit = 0;
  #isRequested = false;
  #isEnding = false;
  #hasEnded = false;

  constructor(transport: Transport, listener: SocketOutputListener) {
    this.#transport = transport;
    this.#listener = listener;
  }

  get isBackedUp(): boolean {
    return this.waitingBytes > OUTPUT_BYTES_MAX;
  }

  /** Adds an `OK` response. */
  addOk(): void {
    this.#okCount++;
    this.#request();
  }

  /** Adds a response or error frame. */
  add(frame: Buffer): void {
    this.#flushOks();
    this.#pending.push(frame);
    this.#request();
  }

  /** Adds message frames: a view that may be reused afterwards. */
  addFrames(frames: Buffer): void {
    this.#flushOks();
    // The ring's memory is given back at the end of the turn, long before the socket may have taken it.
    this.#pending.push(this.#copy(frames));
    this.#pendingFrameBytes += frames.length;
    this.#request();
  }

  /** Ends the socket once everything is written. */
  end(): void {
    this.#isEnding = true;
    this.#request();
  }

  /** Writes everything that is pending. */
  flush(): void {
    this.#isRequested = false;
    this.#flushOks();
    const pending = this.#pending;
    const lent = this.#lent;
    this.#pending = [];
    this.#lent = [];
    // Messages may still come for a client that was sent its last response.
    if (this.#hasEnded || this.#transport.isDestroyed) return;
    if (pending.length > 0) this.#write(pending, lent);
    if (!this.#isEnding) return;
    this.#hasEnded = true;
    this.#transport.end();
  }

  #copy(frames: Buffer): Buffer {
    if (frames.length < SPARE_BYTES_MIN) return Buffer.from(frames);
    const memory = spareBuffers.take(frames.length);
    this.#lent.push(memory);
    frames.copy(memory);
    return memory.subarray(0, frames.length);
  }

  #write(pending: Buffer[], lent: Buffer[]): void {
    const frameBytes = this.#pendingFrameBytes;
    let bytes = 0;
    for (const buffer of pending) bytes += buffer.length;
    this.waitingBytes += bytes;
    this.#pendingFrameBytes = 0;
    const isMany = pending.length >= JOINED_COUNT_MIN && bytes < pending.length * SPARE_BYTES_MIN;
    const buffers = isMany ? [join(pending, bytes, lent)] : pending;
    this.#transport.write(buffers, () => this.#onTaken(bytes, frameBytes, lent));
  }

  #onTaken(bytes: number, frameBytes: number, lent: readonly Buffer[]): void {
    for (const memory of lent) spareBuffers.give(memory);
    this.waitingBytes -= bytes;
    this.progress++;
    this.#credit += frameBytes;
    if (this.#credit >= CREDIT_BYTES) {
      this.#listener.onCredit(this.#credit);
      this.#credit = 0;
    }
    if (this.waitingBytes === 0) this.#listener.onDrained();
  }

  #flushOks(): void {
    while (this.#okCount > 0) {
      const count = Math.min(this.#okCount, OK_RUN_MAX);
      this.#pending.push(OK_RUN.subarray(0, count * OK_FRAME.length));
      this.#okCount -= count;
    }
  }

  #request(): void {
    if (this.#isRequested) return;
    this.#isRequested = true;
    this.#listener.onPending();
  }
}

/** Copies buffers with this total of bytes into one, which is added to what is lent. */
function join(buffers: readonly Buffer[], bytes: number, lent: Buffer[]): Buffer {
  const memory = spareBuffers.take(bytes);
  lent.push(memory);
  let at = 0;
  for (const buffer of buffers) at += buffer.copy(memory, at);
  return memory.subarray(0, bytes);
}
