/**
 * Drops a whole queue in memory.
 *
 * Thread: pump.
 */

import type { MemoryQueue } from '../store/memory-queue.ts';
import type { MessageStore } from '../store/message-store.ts';

/** Drops a queue's messages and their references. */
export function dropAll(queue: MemoryQueue, store: MessageStore): number {
  const dropped = queue.count;
  while (queue.runCount > 0) {
    store.release(queue.position, queue.runCount);
    queue.take(queue.runCount);
  }
  return dropped;
}
