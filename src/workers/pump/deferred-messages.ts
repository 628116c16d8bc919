/**
 * The deferred messages of one channel. It counts their memory, and evicts the newest of them while memory is short:
 * to the backend, which returns them when they are due or drops them, or, if the files have them, to be reread then.
 *
 * Thread: pump.
 */

import { type Deferred, type DeferredList, NONE } from './deferred.ts';
import type { MessageQueue } from './message-queue.ts';
import type { AgeWatch } from './queue-timers.ts';
import { type HoldingQueue, NO_LEVEL, RAISE_BYTES_MIN } from './store/memory-shares.ts';
import type { MessageStore } from './store/message-store.ts';
import type { WallClock } from './wall-clock.ts';

/** What deferred messages need of their pump thread. */
export type DeferredContext = {
  readonly store: MessageStore;
  readonly deferred: Deferred;
  readonly wallClock: WallClock;
};

export class DeferredMessages implements HoldingQueue {
  /** Set by `MemoryShares`. */
  level = NO_LEVEL;
  raiseBytes = RAISE_BYTES_MIN;
  /** Bytes of memory that the messages take, except those that are only in the files. */
  memoryBytes = 0;
  count = 0;

  readonly #list: DeferredList;
  readonly #queue: MessageQueue;
  readonly #ages: AgeWatch;
  readonly #context: DeferredContext;

  constructor(
    channelNumber: number,
    queue: MessageQueue,
    ages: AgeWatch,
    context: DeferredContext,
  ) {
    this.#list = { channelNumber, first: NONE };
    this.#queue = queue;
    this.#ages = ages;
    this.#context = context;
  }

  /** Units: `dueMs` in ms, monotonic, as all times here. */
  add(position: number, attempts: number, dueMs: number): void {
    const { store, deferred } = this.#context;
    deferred.add(this.#list, position, attempts, this.#ages.defer(position, dueMs));
    this.count++;
    this.#addBytes(store.heldBytes(position, 1));
    if (this.memoryBytes >= this.raiseBytes) store.shares.raise(this);
  }

  /** Keeps a message from the files only there until it is due. */
  addOnDisk(position: number, dueMs: number): void {
    const { store } = this.#context;
    const lookMs = this.#ages.defer(position, dueMs);
    this.addEvicted(store.recordNumber(position), lookMs);
    store.release(position, 1);
  }

  /** Keeps a record only in the files until it is due. */
  addEvicted(recordNumber: number, dueMs: number): void {
    this.#context.deferred.addEvicted(this.#list, recordNumber, dueMs);
    this.count++;
  }

  /** Removes a message. The caller gets its reference, if it has one. */
  remove(entry: number): void {
    const { store, deferred } = this.#context;
    if (!deferred.isEvicted(entry)) this.#addBytes(-store.heldBytes(deferred.position(entry), 1));
    deferred.remove(this.#list, entry);
    this.count--;
  }

  /** Removes all messages. `take` gets those in memory, with their references. */
  collect(take: (position: number, attempts: number, dueMs: number) => void): void {
    const { store, deferred } = this.#context;
    while (this.#list.first !== NONE) {
      const entry = this.#list.first;
      const isEvicted = deferred.isEvicted(entry);
      const position = deferred.position(entry);
      const attempts = deferred.attempts(entry);
      const dueMs = deferred.dueMs(entry);
      this.remove(entry);
      if (!isEvicted) take(position, attempts, dueMs);
    }
    store.shares.forget(this);
  }

  /** See `HoldingQueue`. */
  evict(bytesMax: number): number {
    if (!this.#queue.backend.isAccepting) return 0;
    const { store, deferred } = this.#context;
    let evicted = 0;
    for (;;) {
      const entry = deferred.newest(this.#list);
      if (entry === NONE) return evicted;
      const bytes = store.heldBytes(deferred.position(entry), 1);
      if (evicted > 0 && evicted + bytes > bytesMax) return evicted;
      this.#evict(entry, bytes);
      evicted += bytes;
    }
  }

  #evict(entry: number, bytes: number): void {
    const { store, deferred, wallClock } = this.#context;
    const position = deferred.position(entry);
    if (this.#queue.waiting.isOnDisk(position)) {
      // Its record has its attempts and its due time.
      this.#addBytes(-bytes);
      deferred.evict(this.#list, entry, store.recordNumber(position));
      store.release(position, 1);
      return;
    }
    const attempts = deferred.attempts(entry);
    const unixMs = wallClock.unixAt(deferred.dueMs(entry));
    this.remove(entry);
    this.#queue.ages?.leaveMemory(position, 1);
    this.#queue.putToBackend(position, 1, attempts, unixMs, null);
  }

  #addBytes(bytes: number): void {
    this.memoryBytes += bytes;
    this.#queue.outsideBytes += bytes;
  }
}
