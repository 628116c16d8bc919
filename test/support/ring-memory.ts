import { allocateRing, HEAD_WORD, TAIL_WORD } from '../../src/shared/ring/ring.ts';

/** The memory of an empty ring whose positions are at `position`. Units: bytes, `position` a multiple of 8. */
export function ringMemoryAt(capacity: number, position: number): SharedArrayBuffer {
  const memory = allocateRing(capacity);
  const positions = new Int32Array(memory);
  positions[TAIL_WORD] = position | 0;
  positions[HEAD_WORD] = position | 0;
  return memory;
}
