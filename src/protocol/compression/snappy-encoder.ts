/**
 * Compresses into snappy's framing format. The bytes of one call become as few chunks as possible, and none of them
 * waits for more.
 *
 * Thread: main. Source: golang/snappy `Writer`.
 */

import { maskedChecksum } from './checksum.ts';
import type { Encoder } from './codec.ts';
import { compressBlock } from './snappy-block.ts';
import {
  CHECKSUM_BYTES,
  CHUNK_HEADER_BYTES,
  COMPRESSED,
  PLAIN_BYTES_MAX,
  STREAM_IDENTIFIER_CHUNK,
  UNCOMPRESSED,
} from './snappy-chunk.ts';

/** Compression must save at least one byte in this many; otherwise the chunk is sent uncompressed. */
const SAVED_SHARE = 8;

export class SnappyEncoder implements Encoder {
  #hasBegun = false;

  encode(buffers: readonly Buffer[], onEncoded: (bytes: Buffer[]) => void): void {
    const encoded: Buffer[] = [];
    if (!this.#hasBegun) encoded.push(STREAM_IDENTIFIER_CHUNK);
    this.#hasBegun = true;
    const bytes = buffers.length === 1 ? buffers[0] : Buffer.concat(buffers);
    for (let at = 0; at < bytes.length; at += PLAIN_BYTES_MAX) {
      encoded.push(chunkOf(bytes.subarray(at, at + PLAIN_BYTES_MAX)));
    }
    onEncoded(encoded);
  }

  close(): void {
    // There is nothing to free.
  }
}

function chunkOf(plain: Buffer): Buffer {
  const block = compressBlock(plain);
  const isWorthIt = block.length < plain.length - Math.floor(plain.length / SAVED_SHARE);
  const body = isWorthIt ? block : plain;
  const chunk = Buffer.allocUnsafe(CHUNK_HEADER_BYTES + CHECKSUM_BYTES + body.length);
  chunk[0] = isWorthIt ? COMPRESSED : UNCOMPRESSED;
  chunk.writeUIntLE(CHECKSUM_BYTES + body.length, 1, CHUNK_HEADER_BYTES - 1);
  chunk.writeUInt32LE(maskedChecksum(plain), CHUNK_HEADER_BYTES);
  body.copy(chunk, CHUNK_HEADER_BYTES + CHECKSUM_BYTES);
  return chunk;
}
