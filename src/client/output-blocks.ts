/**
 * Memory for outgoing commands. A connection borrows a block for the output of one turn; bytes that were sent are
 * never overwritten, and the rest of the block goes to the next connection. Idle connections hold no block.
 *
 * Bound: IDLE_MAX blocks wait for a borrower. Thread: any.
 */

/** A piece of memory whose first `at` bytes are in use. */
export type OutputBlock = { readonly bytes: Buffer; at: number };

const BLOCK_BYTES = 64 * 1024;
/** A block with less room than this is not reused. */
const REST_BYTES_MIN = 4 * 1024;
const IDLE_MAX = 4;

const idle: OutputBlock[] = [];

/** A block with room for at least this many bytes. */
export function borrowBlock(bytesMin: number): OutputBlock {
  if (bytesMin <= REST_BYTES_MIN) {
    const block = idle.pop();
    if (block !== undefined) return block;
  }
  return { bytes: Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES, bytesMin)), at: 0 };
}

/** Returns a block. */
export function returnBlock(block: OutputBlock): void {
  if (block.bytes.length - block.at >= REST_BYTES_MIN && idle.length < IDLE_MAX) idle.push(block);
}
