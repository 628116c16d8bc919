/**
 * Where messages go that the memory queue has no room for: a disk queue, or nowhere.
 *
 * Thread: pump. Source: nsqd `BackendQueue`.
 */

import type { MemoryQueue } from './memory-queue.ts';
import type { MessageStore } from './message-store.ts';
import type { Receipt } from './receipt.ts';

export interface Backend {
  /** Messages held, those read ahead included. */
  readonly depth: number;
  /** Messages that can be taken now. Each is taken with `take`. */
  readonly readAhead: MemoryQueue;
  /** Whether nothing is on its way to or from the files. */
  readonly isSettled: boolean;

  /** Takes a run over, with its references. Every backend takes everything at any time. */
  put(position: number, count: number, attempts: number, receipt: Receipt | null): void;
  /** Asks for more to be read ahead, if there is more. */
  demand(): void;
  /** Takes messages off the oldest run of `readAhead`; their references are the caller's from now on. */
  take(count: number): void;
  /** The files need not keep so many of the taken messages any longer, oldest first. */
  releaseTaken(count: number): void;
  /** Drops everything. Calls back with null, or with what went wrong. */
  empty(done: (error: string | null) => void): void;
  /** Ends it for good, keeping what it holds. Calls back as `empty`. */
  close(done: (error: string | null) => void): void;
  /** Ends it for good, with its files. Calls back as `empty`. */
  delete(done: (error: string | null) => void): void;
}

/** Drops a queue's messages and their references. */
export function dropAll(queue: MemoryQueue, store: MessageStore): number {
  const dropped = queue.count;
  while (queue.runCount > 0) {
    store.release(queue.position, queue.runCount);
    queue.take(queue.runCount);
  }
  return dropped;
}
