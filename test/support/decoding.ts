/** Drives a decoder as a connection does: chunk by chunk, each when the previous one is used up. */

import type { Decoder } from '../../src/protocol/compression/codec.ts';

/** The output of a decoder: all bytes, the sizes of the pieces, and how it ended. */
export type Decoded = { bytes: Buffer; pieces: number[]; end: string };

/**
 * Passes the chunks to a decoder, in memory that is overwritten once a chunk is used, and then the end of the input.
 */
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
