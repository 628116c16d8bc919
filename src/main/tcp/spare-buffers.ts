/**
 * Reusable memory for short-lived copies: commands that arrive in several reads, and frames on their way to a socket.
 * Fresh memory would cost more than the copy: its pages have to be mapped, and the garbage collector has to find out
 * that it is no longer used.
 *
 * Bound: at most `spareBytesMax` bytes are kept; anything beyond is freed at once, since the garbage collector would
 * let much of it pile up. Buffers that are never returned are left to it.
 *
 * Thread: main.
 */

import { freeMemory } from '../../daemon/free-memory.ts';

/** Smallest and largest size that is kept, as powers of two. */
const SMALLEST_POWER = 12;
const LARGEST_POWER = 20;
const SPARE_BYTES_MAX = 8 * 1024 * 1024;

export class SpareBuffers {
  readonly #spareBytesMax: number;
  /** By size, a power of two, from the smallest on. */
  readonly #spares: Buffer[][] = Array.from(
    { length: LARGEST_POWER - SMALLEST_POWER + 1 },
    () => [],
  );
  #spareBytes = 0;

  constructor(spareBytesMax = SPARE_BYTES_MAX) {
    this.#spareBytesMax = spareBytesMax;
  }

  /** Bytes that are kept. */
  get spareBytes(): number {
    return this.#spareBytes;
  }

  /** A buffer of at least this many bytes, with undefined contents. It has one owner until `give`. */
  take(bytes: number): Buffer {
    const power = powerFor(bytes);
    if (power > LARGEST_POWER) return Buffer.allocUnsafeSlow(bytes);
    const spare = this.#spares[power - SMALLEST_POWER].pop();
    if (spare === undefined) return Buffer.allocUnsafeSlow(2 ** power);
    this.#spareBytes -= spare.length;
    return spare;
  }

  /** Returns a buffer from `take`, unsliced. Nothing may use it any more, including the system. */
  give(buffer: Buffer): void {
    const power = powerFor(buffer.length);
    if (power > LARGEST_POWER || this.#spareBytes + buffer.length > this.#spareBytesMax) {
      // For 5 MB this makes the next allocation ten times as cheap.
      freeMemory(buffer);
      return;
    }
    this.#spares[power - SMALLEST_POWER].push(buffer);
    this.#spareBytes += buffer.length;
  }
}

/** Shared by all connections. */
export const spareBuffers = new SpareBuffers();

function powerFor(bytes: number): number {
  return Math.max(SMALLEST_POWER, 32 - Math.clz32(bytes - 1));
}
