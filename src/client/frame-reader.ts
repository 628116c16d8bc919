/**
 * Splits a broker's output into frames. A complete frame is used in place; a split one is assembled in separate
 * memory, so that views of earlier frames stay valid.
 *
 * Shape: size(4, of what follows) type(4) data, big-endian.
 * Bound: one incomplete frame, in a buffer of at most twice the bytes that have arrived.
 * Thread: any.
 */

import { readUint32 } from '../shared/big-endian.ts';
import { impossibleSize } from '../shared/wrong-port.ts';

/** The type of a frame that answers a command. */
export const RESPONSE = 0;
/** The type of a frame that refuses a command. */
export const ERROR = 1;
/** The type of a frame that holds a message. */
export const MESSAGE = 2;

const SIZE_BYTES = 4;
const TYPE_BYTES = 4;
const HEADER_BYTES = SIZE_BYTES + TYPE_BYTES;
/** Initial buffer of a split frame, whatever its declared size. */
const GATHERED_BYTES_MIN = 64 * 1024;

const NOTHING = Buffer.alloc(0);

/** Receives frames. */
export type FrameListener = {
  /** The data is `bytes` from `at` to `end`, which are not changed later. */
  onFrame(type: number, bytes: Buffer, at: number, end: number): void;
  /** The stream is invalid; no further calls follow. */
  onBadFrame(text: string): void;
};

/** Reads the frames of one stream. */
export class FrameReader {
  readonly #listener: FrameListener;
  readonly #sizeMax: number;
  /** An incomplete frame: its first `#gatheredBytes` bytes. */
  #gathered: Buffer | null = null;
  #gatheredBytes = 0;
  #isStopped = false;
  #rest: Buffer = NOTHING;

  /** Units: `sizeMax` in bytes, without the size field. */
  constructor(listener: FrameListener, sizeMax: number) {
    this.#listener = listener;
    this.#sizeMax = sizeMax;
  }

  /** Reads bytes, which must not be changed later. */
  read(bytes: Buffer): void {
    let at = this.#gathered === null ? 0 : this.#gather(this.#gathered, bytes);
    while (!this.#isStopped && bytes.length - at >= HEADER_BYTES) {
      const size = this.#sizeAt(bytes, at);
      const end = at + SIZE_BYTES + size;
      if (this.#isStopped || end > bytes.length) break;
      const type = readUint32(bytes, at + SIZE_BYTES);
      const dataAt = at + HEADER_BYTES;
      at = end;
      this.#listener.onFrame(type, bytes, dataAt, end);
    }
    if (this.#isStopped) this.#rest = bytes.subarray(at);
    else if (at < bytes.length) this.#keep(bytes, at);
  }

  /** After `stop` and the end of `read`: the bytes after the frame at which it was stopped. */
  get rest(): Buffer {
    return this.#rest;
  }

  /** Stops all calls of the listener, also from within one. */
  stop(): void {
    this.#isStopped = true;
    this.#gathered = null;
  }

  #sizeAt(bytes: Buffer, at: number): number {
    const size = readUint32(bytes, at);
    if (size >= TYPE_BYTES && size <= this.#sizeMax) return size;
    this.stop();
    this.#listener.onBadFrame(impossibleSize(size, this.#sizeMax));
    return 0;
  }

  #keep(bytes: Buffer, at: number): void {
    const count = bytes.length - at;
    const gathered = Buffer.allocUnsafeSlow(this.#roomFor(bytes, at, count));
    bytes.copy(gathered, 0, at);
    this.#gathered = gathered;
    this.#gatheredBytes = count;
  }

  /** The buffer size for a frame of which `count` bytes have arrived. */
  #roomFor(bytes: Buffer, at: number, count: number): number {
    if (count < HEADER_BYTES) return HEADER_BYTES;
    const frameBytes = SIZE_BYTES + readUint32(bytes, at);
    return Math.min(frameBytes, Math.max(GATHERED_BYTES_MIN, 2 * count));
  }

  /** Adds to the incomplete frame. Returns how many bytes it used. */
  #gather(first: Buffer, bytes: Buffer): number {
    let gathered = first;
    let at = 0;
    for (;;) {
      const count = Math.min(gathered.length - this.#gatheredBytes, bytes.length - at);
      bytes.copy(gathered, this.#gatheredBytes, at, at + count);
      at += count;
      this.#gatheredBytes += count;
      if (this.#gatheredBytes < gathered.length) return at;
      const size = this.#sizeAt(gathered, 0);
      if (this.#isStopped) return at;
      if (this.#gatheredBytes === SIZE_BYTES + size) break;
      const larger = Buffer.allocUnsafeSlow(this.#roomFor(gathered, 0, this.#gatheredBytes));
      gathered.copy(larger, 0, 0, this.#gatheredBytes);
      gathered = larger;
      this.#gathered = larger;
    }
    this.#gathered = null;
    const type = readUint32(gathered, SIZE_BYTES);
    this.#listener.onFrame(type, gathered, HEADER_BYTES, gathered.length);
    return at;
  }
}
