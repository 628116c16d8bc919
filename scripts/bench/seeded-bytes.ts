/** Bytes that look random and are the same for the same seed. */

import { createHash } from 'node:crypto';

const WORD_BYTES = 4;

export function seededBytes(seed: string, count: number): Buffer {
  return createHash('shake256', { outputLength: count }).update(seed).digest();
}

/** Gives one number after the other, from 0 up to, and not including, `below`; the same for the same seed. */
export function seededNumbers(seed: number): (below: number) => number {
  let index = 0;
  return (below) => seededBytes(`${seed}/${index++}`, WORD_BYTES).readUInt32BE() % below;
}
