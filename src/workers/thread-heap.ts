/**
 * Measures the heap of the calling thread.
 *
 * Thread: pump and disk.
 */

import { getHeapStatistics } from 'node:v8';
import type { HeapFigures } from '../shared/thread-meter.ts';

/** Units: bytes. */
export function readHeap(): HeapFigures {
  const heap = getHeapStatistics();
  return { usedBytes: heap.used_heap_size, limitBytes: heap.heap_size_limit };
}
