/**
 * The input of a connection that is not taken yet: a view of the chunk that has just come, or, for what a chunk leaves
 * unfinished, memory of the connection's own, taken from the spare buffers.
 *
 * Bound: what is held. Up to what a read brings, the memory grows with what has arrived; then it is as large as what
 * was announced, for which there is room by then (`BodyShare`), and takes pages as it is filled.
 *
 * Thread: main.
 */

import { spareBuffers } from './spare-buffers.ts';

/** No read brings more. */
const READ_BYTES_MAX = 256 * 1024;
const NOTHING = Buffer.alloc(0);

export class InputBuffer {
  /** The input: `bytes` from `at` to `end`. The reader moves `at`. */
  bytes: Buffer = NOTHING;
  at = 0;
  end = 0;

  /** Whether `bytes` is the connection's own, as opposed to a chunk. */
  #isOwn = false;
  /** Whether somebody who waits still reads from `bytes`. */
  #isLent = false;

  /** Bytes that it holds. */
  get heldBytes(): number {
    return this.end - this.at;
  }

  /** Reads from a chunk, while nothing is held. The chunk may be reused after `keep`. */
  show(chunk: Buffer, at: number): void {
    this.bytes = chunk;
    this.at = at;
    this.end = chunk.length;
  }

  /** Chunks belong to somebody else: what is left of one is copied. */
  keep(): void {
    if (this.heldBytes > 0) this.#moveTo(spareBuffers.take(this.heldBytes));
    else this.letGo();
  }

  /** Adds a part of a chunk to what is held. `allBytes`: what the piece that is held in part takes, if it is known. */
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

  /** Leaves `bytes` as they are until `endLoan`; false: they are a chunk, which a later user has to copy. */
  lend(): boolean {
    this.#isLent = this.#isOwn;
    return this.#isLent;
  }

  /** Nobody reads from `bytes` any more. */
  endLoan(): void {
    this.#isLent = false;
  }

  /** Copies what is held, and holds nothing then. */
  takeAll(): Buffer {
    const held = Buffer.from(this.bytes.subarray(this.at, this.end));
    this.letGo();
    return held;
  }

  /** Holds nothing more. */
  letGo(): void {
    if (this.#isOwn && !this.#isLent) spareBuffers.give(this.bytes);
    this.leave();
  }

  /** Holds nothing more, and leaves the memory to somebody who still reads from it. */
  leave(): void {
    this.bytes = NOTHING;
    this.#isOwn = false;
    this.#isLent = false;
    this.at = 0;
    this.end = 0;
  }

  /**
   * Twice as large each time, or a body in many chunks is copied for each; but no larger than all. What is large is
   * made as large as all at once, with room for the next read: a copy of megabytes would delay other connections.
   */
  #largerThan(needed: number, all: number): number {
    if (needed < READ_BYTES_MAX || all < READ_BYTES_MAX || !Number.isFinite(all)) {
      return Math.max(needed, Math.min(2 * this.bytes.length, all));
    }
    return Math.max(needed, all + READ_BYTES_MAX);
  }

  /** Moves what is held to the beginning of memory of the connection's own. */
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
