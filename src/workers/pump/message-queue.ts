/**
 * The waiting messages of a topic or of a channel: a bounded memory queue, and a backend for the rest.
 *
 * Each source is first in, first out. When both have messages, those at the older head go first, so that
 * neither starves.
 *
 * Bound: `memoryMax` messages in memory; the backend takes the rest, or drops it.
 * Thread: pump. Source: nsqd's `memoryMsgChan` and `backend` of topics and channels, which it picks at random.
 */

import { type Backend, dropAll } from './backend.ts';
import { MemoryQueue } from './memory-queue.ts';
import type { MessageStore } from './message-store.ts';
import type { Receipt } from './receipt.ts';

export class MessageQueue {
  readonly backend: Backend;
  /** The run at the front, as `look` found it. */
  position = 0;
  runCount = 0;
  detail = 0;
  /** Whether that run is from the backend. */
  isFromBackend = false;

  readonly #store: MessageStore;
  readonly #memory = new MemoryQueue();
  readonly #memoryMax: number;

  constructor(store: MessageStore, backend: Backend, memoryMax: number) {
    this.#store = store;
    this.backend = backend;
    this.#memoryMax = memoryMax;
  }

  get depth(): number {
    return this.#memory.count + this.backend.depth;
  }

  /** Whether `look` would find something, now or after a read. */
  get hasMessages(): boolean {
    return this.#memory.count > 0 || this.backend.depth > 0;
  }

  get memoryCount(): number {
    return this.#memory.count;
  }

  /**
   * Puts a run behind all others, with its references. What memory has no room for goes to the backend, which
   * keeps the attempts but no other detail. The receipt, if any, waits for the latter.
   */
  put(
    position: number,
    count: number,
    detail: number,
    attempts: number,
    receipt: Receipt | null,
  ): void {
    const inMemory = Math.min(count, Math.max(0, this.#memoryMax - this.#memory.count));
    if (inMemory > 0) this.#memory.put(position, inMemory, detail);
    if (inMemory < count)
      this.backend.put(position + inMemory, count - inMemory, attempts, receipt);
  }

  /** Puts a run into memory although it may be full: what is in it already came from there. */
  putInMemory(position: number, count: number, detail: number): void {
    this.#memory.put(position, count, detail);
  }

  /** Finds the run to take from next. Returns false when there is none in memory; then more is read ahead. */
  look(): boolean {
    const memory = this.#memory;
    const readAhead = this.backend.readAhead;
    if (readAhead.count === 0) {
      this.backend.demand();
      if (memory.count === 0) return false;
      return this.#show(memory, false);
    }
    if (memory.count === 0) return this.#show(readAhead, true);
    const isBackendOlder =
      this.#store.timestampSeconds(readAhead.position) <=
      this.#store.timestampSeconds(memory.position);
    return this.#show(isBackendOlder ? readAhead : memory, isBackendOlder);
  }

  /** Takes messages off the run that `look` found; their references are the caller's. */
  take(count: number): void {
    if (this.isFromBackend) this.backend.take(count);
    else this.#memory.take(count);
    this.position += count;
    this.runCount -= count;
  }

  /** Moves what is in memory to the backend, each message with its attempts. */
  spill(attemptsOf: (detail: number) => number): void {
    const memory = this.#memory;
    while (memory.runCount > 0) {
      const { position, runCount, detail } = memory;
      memory.take(runCount);
      this.backend.put(position, runCount, attemptsOf(detail), null);
    }
  }

  /** Drops everything that waits. Calls back with null or what went wrong. */
  empty(done: (error: string | null) => void): void {
    dropAll(this.#memory, this.#store);
    this.backend.empty(done);
  }

  /** Drops what is in memory; the backend is closed or deleted by the caller. */
  dropMemory(): void {
    dropAll(this.#memory, this.#store);
  }

  #show(queue: MemoryQueue, isFromBackend: boolean): true {
    this.position = queue.position;
    this.runCount = queue.runCount;
    this.detail = queue.detail;
    this.isFromBackend = isFromBackend;
    return true;
  }
}
