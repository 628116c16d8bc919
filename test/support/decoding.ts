/** Drives a decoder as a connection does: chunk by chunk, each when the one before is used up. */

import type { Decoder } from '../../src/protocol/compression/codec.ts';

/** What came out of a decoder: all bytes, the sizes of the pieces, and how it ended. */
export type Decoded = { bytes: Buffer; pieces: number[]; end: string };

/** Gives a decoder the chunks, in memory that is overwritten as soon as it has taken one, then the end of input. */
export function decodeAll(decoder: Decoder, chunks: readonly Buffer[]): Promise<Decoded> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    let given = 0;
    const end = (how: string): void => {
      decoder.close();
      const bytes = Buffer.concat(pieces);
      resolve({ bytes, pieces: pieces.map(({ length }) => length), end: how });
    };
    const next = (): void => {
      given++;
      if (given > chunks.length) {
        decoder.end();
        return;
      }
      const reused = Buffer.from(chunks[given - 1]);
      decoder.decode(reused);
      reused.fill(0xa5);
    };
    decoder.listen({
      onData: (bytes) => pieces.push(Buffer.from(bytes)),
      onUsed: () => setImmediate(next),
      onEnd: () => end('end'),
      onError: (error) => end(error.message),
    });
    next();
  });
}

/** Every byte by itself. */
export function bytewise(bytes: Buffer): Buffer[] {
  return Array.from(bytes, (byte) => Buffer.from([byte]));
}

/** Pieces of random sizes up to `sizeMax`. Units: `random` from 0 to below 1. */
export function randomly(bytes: Buffer, sizeMax: number, random: () => number): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + Math.floor(random() * sizeMax);
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

/** Numbers from 0 to below 1 that a seed determines. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
