/**
 * Memory that commands are written into. A connection borrows a slab for what it sends in one turn; what it has sent
 * is never written again, what is left goes to the next one. Idle connections own none.
 *
 * Bound: IDLE_MAX slabs wait for a borrower. Thread: any.
 */

/** A piece of memory whose first `at` bytes are in use. */
export type Slab = { readonly bytes: Buffer; at: number };

const SLAB_BYTES = 64 * 1024;
/** Less than this is not worth another borrower. */
const REST_BYTES_MIN = 4 * 1024;
const IDLE_MAX = 4;

const idle: Slab[] = [];

/** A slab with room for so many bytes at least. */
export function borrowSlab(bytesMin: number): Slab {
  if (bytesMin <= REST_BYTES_MIN) {
    const slab = idle.pop();
    if (slab !== undefined) return slab;
  }
  return { bytes: Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, bytesMin)), at: 0 };
}

/** Takes a slab back. */
export function returnSlab(slab: Slab): void {
  if (slab.bytes.length - slab.at >= REST_BYTES_MIN && idle.length < IDLE_MAX) idle.push(slab);
}
