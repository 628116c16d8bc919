/**
 * Splits bytes into chunks, as a socket may deliver them.
 *
 * Thread: any.
 */

import type { Random } from './seeded-random.ts';

/** A chunk for every byte. */
export function singleBytes(bytes: Buffer): Buffer[] {
  return Array.from(bytes, (byte) => Buffer.of(byte));
}

/** Chunks of 1 to `most` bytes, more small than large ones. */
export function randomChunks(bytes: Buffer, random: Random, most = 64): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + random(1 + random(most));
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}
