/**
 * The messages of one queue that wait in memory: those that were put there, and those from the files that were put
 * back and whose records are still on disk. It counts their memory, and moves them to the backend when the memory is
 * needed elsewhere.
 *
 * Thread: pump.
 */

import type { Backend } from './backend/backend.ts';
import { dropAll } from './backend/drop-all.ts';
import type { MessageAges } from './message-ages.ts';
import { MemoryQueue } from './store/memory-queue.ts';
import { type HoldingQueue, NO_LEVEL, RAISE_BYTES_MIN } from './store/memory-shares.ts';
import type { MessageStore } from './store/message-store.ts';
import { NO_RECORD } from './store/slab.ts';

/** The meaning of a message's tag. */
export type TagMeaning = {
  readonly attemptsOf: (tag: number) => number;
  /** Units: Unix time in ms, 0 for at once. */
  readonly dueMsOf: (tag: number) => number;
};

/** In a topic the tag is a delay, which starts when the message goes to the channels. Units: ms. */
export function tagIsDelay(wallClock: { unixAfter(delayMs: number): number }): TagMeaning {
  return {
    attemptsOf: () => 0,
    dueMsOf: (delayMs) => (delayMs === 0 ? 0 : wallClock.unixAfter(delayMs)),
  };
}

export class WaitingMemory implements HoldingQueue {
  /** Set by `MemoryShares`. */
  level = NO_LEVEL;
  raiseBytes = RAISE_BYTES_MIN;
  /** Bytes of memory that the messages take. */
  memoryBytes = 0;
  /** Their bytes as disk records, if counted. */
  recordBytes = 0;
  /** Messages that were put there, and messages from the files that were put back. */
  readonly fresh = new MemoryQueue();
  readonly returned = new MemoryQueue();
  /** The ages of the messages, if they are limited. */
  ages: MessageAges | null = null;

  readonly #store: MessageStore;
  readonly #backend: Backend;
  readonly #meaning: TagMeaning;
  #countsRecords = false;

  constructor(store: MessageStore, backend: Backend, meaning: TagMeaning) {
    this.#store = store;
    this.#backend = backend;
    this.#meaning = meaning;
  }

  /** Turns `recordBytes` on or off; existing messages are counted at once. */
  countRecords(isCounted: boolean): void {
    if (isCounted && !this.#countsRecords) {
      this.recordBytes = 0;
      this.#forEach((position, count) => {
        this.recordBytes += this.#store.runBytes(position, count);
      });
    }
    this.#countsRecords = isCounted;
  }

  /** Tracks the ages of the messages from now on. */
  watchAges(ages: MessageAges): void {
    this.ages = ages;
    this.#forEach((position, count, tag) => {
      ages.onPut(position, count, this.#meaning.attemptsOf(tag));
    });
  }

  /** Adds a run at the end of one of the queues. */
  put(queue: MemoryQueue, position: number, count: number, tag: number): void {
    queue.put(position, count, tag);
    this.ages?.onPut(position, count, this.#meaning.attemptsOf(tag));
    if (this.#countsRecords) this.recordBytes += this.#store.runBytes(position, count);
    this.memoryBytes += this.#store.heldBytes(position, count);
    if (this.memoryBytes >= this.raiseBytes) this.#store.shares.raise(this);
  }

  /** Removes messages from the first run of one of the queues; they are still in the store. */
  take(queue: MemoryQueue, count: number): void {
    this.#onTaken(queue.position, count);
    queue.take(count);
  }

  /** Removes messages from anywhere in one of the queues; the caller gets their references. */
  takeOut(queue: MemoryQueue, positions: ReadonlySet<number>): void {
    for (const position of positions) this.#onTaken(position, 1);
    queue.remove(positions);
  }

  /** Removes hidden messages from the fronts: they expired before they got there. */
  passHidden({ hidden }: MessageAges): void {
    for (const queue of [this.fresh, this.returned]) {
      while (hidden.size > 0 && queue.runCount > 0 && hidden.delete(queue.position)) {
        const { position } = queue;
        this.take(queue, 1);
        this.#store.release(position, 1);
      }
    }
  }

  /**
   * Evicts the newest messages: to the backend or, if the files have them, to be reread. Messages that were put back
   * go first. In the files they come after others and so lose their order.
   */
  evict(bytesMax: number): number {
    if (!this.#backend.isAccepting) return 0;
    const before = this.memoryBytes;
    if (this.returned.count > 0) this.#evict(this.returned, bytesMax);
    const left = bytesMax - (before - this.memoryBytes);
    if (left > 0 && this.fresh.count > 0) this.#evict(this.fresh, left);
    return before - this.memoryBytes;
  }

  /** Moves everything to the backend, unless the files have it. */
  spill(): void {
    this.#spill(this.returned);
    this.#spill(this.fresh);
    this.#onEmptied();
  }

  /** Drops everything; the caller closes or deletes the backend. */
  drop(): void {
    dropAll(this.fresh, this.#store);
    dropAll(this.returned, this.#store);
    this.#onEmptied();
  }

  #evict(queue: MemoryQueue, bytesMax: number): void {
    const store = this.#store;
    const bytesOf = (position: number, count: number): number => store.heldBytes(position, count);
    queue.takeLast(queue.countOfLast(bytesMax, bytesOf), (position, count, tag) => {
      this.#onTaken(position, count);
      let next = position;
      for (let rest = count; rest > 0; ) {
        const isOnDisk = this.isOnDisk(next);
        let run = 1;
        while (run < rest && this.isOnDisk(next + run) === isOnDisk) run++;
        this.#giveAway(next, run, tag, isOnDisk);
        next += run;
        rest -= run;
      }
    });
  }

  #giveAway(position: number, count: number, tag: number, isOnDisk: boolean): void {
    if (this.ages !== null && this.ages.hidden.size > 0) {
      for (let next = position; next < position + count; next++) {
        if (this.ages.hidden.delete(next)) this.#store.release(next, 1);
        else this.#giveRunAway(next, 1, tag, isOnDisk);
      }
    } else this.#giveRunAway(position, count, tag, isOnDisk);
  }

  /**
   * Messages that the files have will be reread; their attempts and due times were written when they were put back.
   */
  #giveRunAway(position: number, count: number, tag: number, isOnDisk: boolean): void {
    this.ages?.leaveMemory(position, count);
    if (!isOnDisk) {
      const { attemptsOf, dueMsOf } = this.#meaning;
      this.#backend.put(position, count, attemptsOf(tag), dueMsOf(tag), null);
      return;
    }
    for (let next = position; next < position + count; next++) {
      this.#backend.reread(this.#store.recordNumber(next));
    }
    this.#store.release(position, count);
  }

  /** Whether the files have the message. */
  isOnDisk(position: number): boolean {
    return this.#backend.isDurable && this.#store.recordNumber(position) !== NO_RECORD;
  }

  #spill(queue: MemoryQueue): void {
    const { attemptsOf, dueMsOf } = this.#meaning;
    while (queue.runCount > 0) {
      const { position, runCount, tag } = queue;
      queue.take(runCount);
      for (let next = position; next < position + runCount; next++) {
        if (this.ages?.hidden.has(next)) {
          this.#store.release(next, 1);
          continue;
        }
        if (this.#store.recordNumber(next) === NO_RECORD) {
          this.#backend.put(next, 1, attemptsOf(tag), dueMsOf(tag), null);
          continue;
        }
        // Its recorded due time may be later.
        this.#backend.update(next, attemptsOf(tag), dueMsOf(tag));
        this.#store.release(next, 1);
      }
    }
  }

  #onTaken(position: number, count: number): void {
    this.ages?.onTaken(position, count);
    if (this.#countsRecords) this.recordBytes -= this.#store.runBytes(position, count);
    this.memoryBytes -= this.#store.heldBytes(position, count);
  }

  #onEmptied(): void {
    this.recordBytes = 0;
    this.memoryBytes = 0;
    this.ages?.clear();
    this.#store.shares.forget(this);
  }

  #forEach(visit: (position: number, count: number, tag: number) => void): void {
    this.fresh.forEach(visit);
    this.returned.forEach(visit);
  }
}
