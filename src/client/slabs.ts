/**
 * Memory for outgoing commands. A connection borrows a slab for the output of one turn; bytes that were sent are
 * never overwritten, and the rest of the slab goes to the next connection. Idle connections hold no slab.
 *
 * Bound: IDLE_MAX slabs wait for a borrower. Thread: any.
 */

/** A piece of memory whose first `at` bytes are in use. */
export type Slab = { readonly bytes: Buffer; at: number };

const SLAB_BYTES = 64 * 1024;
/** A slab with less room than this is not reused. */
const REST_BYTES_MIN = 4 * 1024;
const IDLE_MAX = 4;

const idle: Slab[] = [];

/** A slab with room for at least this many bytes. */
export function borrowSlab(bytesMin: number): Slab {
  if (bytesMin <= REST_BYTES_MIN) {
    const slab = idle.pop();
    if (slab !== undefined) return slab;
  }
  return { bytes: Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, bytesMin)), at: 0 };
}

/** Returns a slab. */
export function returnSlab(slab: Slab): void {
  if (slab.bytes.length - slab.at >= REST_BYTES_MIN && idle.length < IDLE_MAX) idle.push(slab);
}
