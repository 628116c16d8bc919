/**
 * Ways to cut bytes into the chunks that a socket may bring them in.
 *
 * Thread: any.
 */

/** Numbers from 0 up to but not including 1, the same for the same seed. Source: Marsaglia's xorshift. */
export function seededRandom(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Every byte by itself. */
export function singleBytes(bytes: Buffer): Buffer[] {
  return Array.from(bytes, (byte) => Buffer.of(byte));
}

/** Chunks of 1 to `most` bytes, small ones more often than large ones. */
export function randomChunks(bytes: Buffer, random: () => number, most = 64): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + Math.floor(random() * random() * most);
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}
