/**
 * The output of a client's socket: collected during a turn and written with one call at its end.
 *
 * Bound: when more than OUTPUT_BYTES_MAX wait for the socket, `isBackedUp` is true and the connection handles no more
 * commands; the pump's messages are bounded by the consumer's window.
 *
 * Thread: main.
 */

import { OK_FRAME } from '../../protocol/frames.ts';
import { CONSUMER_WINDOW_BYTES } from '../../shared/limits.ts';
import type { Traffic } from '../stats/traffic.ts';
import { spareBuffers } from './spare-buffers.ts';
import type { Transport } from './transport.ts';

/** Most bytes that wait for a socket before the connection stops reading commands. */
const OUTPUT_BYTES_MAX = 1024 * 1024;
/** The pump is told about accepted frames in steps of at least this size. */
const CREDIT_BYTES = CONSUMER_WINDOW_BYTES / 4;
/** For fewer bytes a fresh buffer is cheaper than a reused one. */
const SPARE_BYTES_MIN = 2048;
/** From this many small buffers on, copying into one is cheaper than writing one by one. */
const JOINED_COUNT_MIN = 16;
const OK_RUN_MAX = 64;
const OK_RUN = Buffer.concat(Array.from({ length: OK_RUN_MAX }, () => OK_FRAME));

/** The listener of a socket's output. */
export type SocketOutputListener = {
  /** There is output to flush at the end of the turn. */
  readonly onPending: () => void;
  /** The socket has accepted this many bytes of message frames since the last call. */
  readonly onCredit: (bytes: number) => void;
  /** The socket has accepted everything. */
  readonly onDrained: () => void;
};

export class SocketOutput {
  /** Bytes that the socket has not accepted yet. */
  waitingBytes = 0;
  /** Incremented whenever the socket accepts bytes. */
  progress = 0;

  readonly #transport: Transport;
  readonly #traffic: Pick<Traffic, 'sentBytes'>;
  readonly #listener: SocketOutputListener;
  #pending: Buffer[] = [];
  /** Spare buffers of pending frames, to be returned when the frames are accepted. */
  #lent: Buffer[] = [];
  /** `OK`s after everything pending. */
  #okCount = 0;
  /** The share of message frames in the pending bytes. */
  #pendingFrameBytes = 0;
  #credit = 0;
  #isRequested = false;
  #isEnding = false;
  #hasEnded = false;

  /** `traffic`: where what is written counts. */
  constructor(
    transport: Transport,
    traffic: Pick<Traffic, 'sentBytes'>,
    listener: SocketOutputListener,
  ) {
    this.#transport = transport;
    this.#traffic = traffic;
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
    // The ring's memory is released at the end of the turn, possibly before the socket has accepted it.
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
    // Messages may still arrive for a client that has got its last response.
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
    this.#traffic.sentBytes += bytes;
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

/** Copies buffers with this total of bytes into one spare buffer, which is added to `lent`. */
function join(buffers: readonly Buffer[], bytes: number, lent: Buffer[]): Buffer {
  const memory = spareBuffers.take(bytes);
  lent.push(memory);
  let at = 0;
  for (const buffer of buffers) at += buffer.copy(memory, at);
  return memory.subarray(0, bytes);
}
