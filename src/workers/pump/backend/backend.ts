/**
 * Takes messages that the memory queue has no room for: a disk queue, or one that drops them.
 *
 * Seams: the simulator replaces `put`, `reread` and `delete` of an instance.
 * Thread: pump. Source: nsqd `BackendQueue`.
 */

import type { MemoryQueue } from '../store/memory-queue.ts';
import type { MessageStore } from '../store/message-store.ts';
import type { Receipt } from './receipt.ts';

export interface Backend {
  /** Whether it keeps its messages over a restart. */
  readonly isDurable: boolean;
  /** Messages that wait in it, including fetched ones, without those that have a due time. */
  readonly depth: number;
  /** Messages with a due time that are in the files, or on their way there, and not read yet. */
  readonly deferredCount: number;
  /** Bytes of the messages that wait in it, as disk records. */
  readonly bytes: number;
  /** Messages that can be taken now. Each is taken with `take`. */
  readonly fetched: MemoryQueue;
  /** Whether nothing is on its way to or from the files. */
  readonly isSettled: boolean;
  /** Whether a message that is put now is likely to be written, or dropped, soon. */
  readonly isAccepting: boolean;

  /**
   * Takes a run with its references. Every backend takes everything at any time. A message with a due time comes back
   * when it is due. Units: `dueMs` Unix time in ms, 0 for none.
   */
  put(
    position: number,
    count: number,
    attempts: number,
    dueMs: number,
    receipt: Receipt | null,
  ): void;
  /** Asks for messages to be fetched, if there are some and none are fetched. */
  demand(): void;
  /** Takes messages off the oldest run of `fetched`; their references go to the caller. */
  take(count: number): void;
  /** The files may drop these messages. Messages that did not come from the files are ignored. */
  finish(position: number, count: number): void;
  /**
   * Updates a message that came from the files, for the case that it is read again: how often it was sent, and when it
   * is due. Units: Unix time in ms, 0 for at once.
   */
  update(position: number, attempts: number, dueMs: number): void;
  /** Asks for a message that is only in the files to be fetched again, by the number of its record. */
  reread(number: number): void;
  /** Drops everything. Calls back with null, or with an error. */
  empty(done: (error: string | null) => void): void;
  /** Closes it for good and keeps its messages. Calls back as `empty`. */
  close(done: (error: string | null) => void): void;
  /** Removes it with its files. Calls back as `empty`. */
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
