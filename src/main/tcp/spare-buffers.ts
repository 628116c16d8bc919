/**
 * Memory for what has to be copied and is soon done with: commands that come in several reads, frames on their way
 * to a socket. It is used again and again, because fresh memory costs more than the copy does: its pages have to
 * be mapped, and the garbage collector has to find out that it is no longer used.
 *
 * Bound: what is kept for later is at most `spareBytesMax`; anything beyond is freed at once, since the garbage
 * collector lets much of it pile up before it looks. It gets what nobody gives back.
 *
 * Thread: main.
 */

/** Smallest and largest size that is kept, as powers of two. */
const SMALLEST_POWER = 12;
const LARGEST_POWER = 20;
const SPARE_BYTES_MAX = 8 * 1024 * 1024;

export class SpareBuffers {
  readonly #spareBytesMax: number;
  /** By the power of two that is their size, from the smallest on. */
  readonly #spares: Buffer[][] = Array.from(
    { length: LARGEST_POWER - SMALLEST_POWER + 1 },
    () => [],
  );
  #spareBytes = 0;

  constructor(spareBytesMax = SPARE_BYTES_MAX) {
    this.#spareBytesMax = spareBytesMax;
  }

  /** Bytes that are kept for later. */
  get spareBytes(): number {
    return this.#spareBytes;
  }

  /** A buffer of at least this many bytes, with undefined contents. It has one owner until it is given back. */
  take(bytes: number): Buffer {
    const power = powerFor(bytes);
    if (power > LARGEST_POWER) return Buffer.allocUnsafeSlow(bytes);
    const spare = this.#spares[power - SMALLEST_POWER].pop();
    if (spare === undefined) return Buffer.allocUnsafeSlow(2 ** power);
    this.#spareBytes -= spare.length;
    return spare;
  }

  /** Gives back a buffer that was taken, as it was taken: nobody may use it any more, the system included. */
  give(buffer: Buffer): void {
    const power = powerFor(buffer.length);
    if (power > LARGEST_POWER || this.#spareBytes + buffer.length > this.#spareBytesMax) {
      free(buffer);
      return;
    }
    this.#spares[power - SMALLEST_POWER].push(buffer);
    this.#spareBytes += buffer.length;
  }
}

/** What all connections use: no spare is of use to one of them only. */
export const spareBuffers = new SpareBuffers();

/** Measured for 5 MB: a new one of fresh memory costs ten times as much as one of memory that was freed at once. */
function free(buffer: Buffer): void {
  // These are not shared, since they were not made so; the type allows for both.
  if (buffer.buffer instanceof ArrayBuffer) buffer.buffer.transfer(0);
}

function powerFor(bytes: number): number {
  return Math.max(SMALLEST_POWER, 32 - Math.clz32(bytes - 1));
}
