/**
 * Snappy's block format: bytes compressed without a stream around them.
 *
 * Shape: plain length (varint), then literals and copies. Thread: any. Source: snappy's format description.
 */

import { createRequire } from 'node:module';
import { atFirstUse } from '../../shared/first-use.ts';

/** Native code, for clients that ask for it. */
const snappy = atFirstUse((): typeof import('snappy') => createRequire(import.meta.url)('snappy'));

const VARINT_BYTES_MAX = 5;
const VARINT_MORE = 0x80;
const VARINT_BITS = 7;
/** Results in memory that V8 allocates: external buffers cost several times as much as the compression. */
const COPIED = { copyOutputData: true };

/** Compresses synchronously; 64 KiB take about 40 µs, less than a round trip to another thread. */
export function compressBlock(bytes: Buffer): Buffer {
  return snappy().compressSync(bytes, COPIED);
}

/** Errors: throws when the block is damaged. It allocates as much as the block declares: check that first. */
export function uncompressBlock(block: Buffer): Buffer {
  const bytes = snappy().uncompressSync(block, COPIED);
  // The result is text only if the options ask for it.
  return typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
}

/** The uncompressed length that the block declares; undefined if the length is malformed. */
export function plainLength(block: Buffer): number | undefined {
  let length = 0;
  for (let index = 0; index < Math.min(block.length, VARINT_BYTES_MAX); index++) {
    const byte = block[index];
    length += (byte % VARINT_MORE) * 2 ** (VARINT_BITS * index);
    if (byte < VARINT_MORE) return length;
  }
  return undefined;
}
