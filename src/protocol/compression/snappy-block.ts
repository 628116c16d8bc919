/**
 * Snappy's blocks: bytes compressed by themselves.
 *
 * Shape: plain length (varint), then literals and copies. Thread: any. Source: snappy's format description.
 */

import { compressSync, uncompressSync } from 'snappy';

const VARINT_BYTES_MAX = 5;
const VARINT_MORE = 0x80;
const VARINT_BITS = 7;
/** Results in memory of V8's own: without this, they cost several times as much as the compression. */
const COPIED = { copyOutputData: true };

/** Compresses in the caller's turn; 64 KiB take about 40 µs, less than it costs to have it done elsewhere. */
export function compressBlock(bytes: Buffer): Buffer {
  return compressSync(bytes, COPIED);
}

/** Errors: throws when the block is damaged. It allocates what the block announces: check that first. */
export function uncompressBlock(block: Buffer): Buffer {
  const bytes = uncompressSync(block, COPIED);
  // Only a call that asks for text gets text.
  return typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
}

/** How many bytes the block says that it holds; undefined when it does not say. */
export function plainLength(block: Buffer): number | undefined {
  let length = 0;
  for (let index = 0; index < Math.min(block.length, VARINT_BYTES_MAX); index++) {
    const byte = block[index];
    length += (byte % VARINT_MORE) * 2 ** (VARINT_BITS * index);
    if (byte < VARINT_MORE) return length;
  }
  return undefined;
}
