/**
 * Where messages go that the memory queue has no room for: a disk queue, or nowhere.
 *
 * Seams: the simulator replaces `put`, `reread` and `delete` of an instance.
 * Thread: pump. Source: nsqd `BackendQueue`.
 */

import type { MemoryQueue } from '../store/memory-queue.ts';
import type { MessageStore } from '../store/message-store.ts';
import type { Receipt } from './receipt.ts';

export interface Backend {
  /** Whether it keeps what it is given, through a restart too. */
  readonly isDurable: boolean;
  /** Messages that wait in it, those fetched included, those with a due time not. */
  readonly depth: number;
  /** Messages with a due time, in the files or on their way there, that were not read. */
  readonly deferredCount: number;
  /** Bytes of the messages that wait in it, as disk records. */
  readonly bytes: number;
  /** Messages that can be taken now. Each is taken with `take`. */
  readonly fetched: MemoryQueue;
  /** Whether nothing is on its way to or from the files. */
  readonly isSettled: boolean;
  /** Whether what is put is likely to be written, or dropped, soon. */
  readonly isAccepting: boolean;

  /**
   * Takes a run over, with its references. Every backend takes everything at any time; what has a due time comes
   * back when that has passed. Units: `dueMs` Unix time in ms, 0 for none.
   */
  put(
    position: number,
    count: number,
    attempts: number,
    dueMs: number,
    receipt: Receipt | null,
  ): void;
  /** Asks for more to be fetched, if there is more and nothing is. */
  demand(): void;
  /** Takes messages off the oldest run of `fetched`; their references are the caller's from now on. */
  take(count: number): void;
  /** The files need not keep these messages any longer. Messages that did not come from them are none of theirs. */
  finish(position: number, count: number): void;
  /**
   * What the files are to know of a message that came from them, should it be read again: how often it was sent, and
   * when it is due. Units: Unix time in ms, 0 for at once.
   */
  update(position: number, attempts: number, dueMs: number): void;
  /** A message that came from the files, and is nowhere else, is to be fetched again: the record of that number. */
  reread(number: number): void;
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
