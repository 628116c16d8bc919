/**
 * The backend of ephemeral topics and channels: it drops messages that do not fit into the memory queue.
 *
 * Thread: pump. Source: nsqd `dummyBackendQueue`.
 */

import { MemoryQueue } from '../store/memory-queue.ts';
import type { MessageStore } from '../store/message-store.ts';
import type { Backend } from './backend.ts';

export class NullBackend implements Backend {
  readonly isDurable = false;
  readonly replicated = null;
  readonly depth = 0;
  readonly deferredCount = 0;
  readonly bytes = 0;
  readonly fetched = new MemoryQueue();
  readonly surveys = null;
  readonly isSettled = true;
  readonly isAccepting = true;

  readonly #store: MessageStore;

  constructor(store: MessageStore) {
    this.#store = store;
  }

  put(position: number, count: number): void {
    this.#store.release(position, count);
  }

  demand(): void {
    // There is never anything to read.
  }

  take(): void {
    // There is never anything to take.
  }

  finish(): void {
    // There are no files.
  }

  update(): void {
    // There are no files.
  }

  reread(): void {
    // There are no files.
  }

  empty(done: (error: string | null) => void): void {
    done(null);
  }

  close(done: (error: string | null) => void): void {
    done(null);
  }

  delete(done: (error: string | null) => void): void {
    done(null);
  }
}
