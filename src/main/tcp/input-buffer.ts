/**
 * The unhandled input of a connection: a view of the current chunk or, for an incomplete command, memory that the
 * connection owns, taken from the spare buffers.
 *
 * Bound: the held bytes. Up to the size of a read, the memory grows with the input; beyond that it has the declared
 * size, for which `BodyShare` has reserved room, and the system commits its pages as it is filled.
 *
 * Thread: main.
 */

import { spareBuffers } from './spare-buffers.ts';

/** Most bytes of one read. */
const READ_BYTES_MAX = 256 * 1024;
const NOTHING = Buffer.alloc(0);

export class InputBuffer {
  /** The input: `bytes` from `at` to `end`. The reader moves `at`. */
  bytes: Buffer = NOTHING;
  at = 0;
  end = 0;

  /** Whether the connection owns `bytes`; otherwise it is a chunk. */
  #isOwn = false;
  /** Whether a waiting command still uses `bytes`. */
  #isLent = false;

  /** Bytes held. */
  get heldBytes(): number {
    return this.end - this.at;
  }

  /** Uses a chunk as input. Nothing may be held before. The chunk may be reused after `keep`. */
  show(chunk: Buffer, at: number): void {
    this.bytes = chunk;
    this.at = at;
    this.end = chunk.length;
  }

  /** Copies the unread rest of the chunk, whose memory is reused. */
  keep(): void {
    if (this.heldBytes > 0) this.#moveTo(spareBuffers.take(this.heldBytes));
    else this.letGo();
  }

  /** Appends a part of a chunk to the held bytes. `allBytes`: the size of the incomplete piece, if known. */
  append(chunk: Buffer, at: number, end: number, allBytes: number): void {
    const needed = this.heldBytes + end - at;
    if (needed > this.bytes.length) {
      this.#moveTo(spareBuffers.take(this.#largerThan(needed, allBytes)));
    } else if (this.end + end - at > this.bytes.length) {
      this.#moveTo(this.#isLent ? spareBuffers.take(needed) : this.bytes);
    }
    chunk.copy(this.bytes, this.end, at, end);
    this.end += end - at;
  }

  /** Keeps `bytes` intact until `endLoan`; false: they are a chunk, which the caller has to copy. */
  lend(): boolean {
    this.#isLent = this.#isOwn;
    return this.#isLent;
  }

  /** `bytes` are no longer used. */
  endLoan(): void {
    this.#isLent = false;
  }

  /** Returns a copy of the held bytes and holds nothing afterwards. */
  takeAll(): Buffer {
    const held = Buffer.from(this.bytes.subarray(this.at, this.end));
    this.letGo();
    return held;
  }

  /** Drops the held bytes and returns their memory. */
  letGo(): void {
    if (this.#isOwn && !this.#isLent) spareBuffers.give(this.bytes);
    this.leave();
  }

  /** Drops the held bytes, but leaves the memory to a handler that still uses it. */
  leave(): void {
    this.bytes = NOTHING;
    this.#isOwn = false;
    this.#isLent = false;
    this.at = 0;
    this.end = 0;
  }

  /**
   * Doubles the size each time, up to the full size, so that a body in many chunks is not copied for each. Beyond the
   * size of a read it takes the full size at once, plus room for the next read, since copying megabytes would delay
   * other connections.
   */
  #largerThan(needed: number, all: number): number {
    if (needed < READ_BYTES_MAX || all < READ_BYTES_MAX || !Number.isFinite(all)) {
      return Math.max(needed, Math.min(2 * this.bytes.length, all));
    }
    return Math.max(needed, all + READ_BYTES_MAX);
  }

  /** Moves the held bytes to the beginning of memory that the connection owns. */
  #moveTo(own: Buffer): void {
    const held = this.heldBytes;
    this.bytes.copy(own, 0, this.at, this.end);
    if (this.#isOwn && !this.#isLent && own !== this.bytes) spareBuffers.give(this.bytes);
    this.bytes = own;
    this.at = 0;
    this.end = held;
    this.#isOwn = true;
  }
}
