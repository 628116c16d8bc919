/**
 * The waiting messages of a topic or of a channel: a bounded memory queue, and a backend for the rest.
 *
 * Each source is first in, first out. When both have messages, those at the older head go first; but now and then
 * one from the backend does, so that messages which are put back again and again do not hold up those on disk. What is
 * put back while memory has no room for it and is on disk anyway goes behind all that is, as nsqd would write it there.
 *
 * Bound: `memoryMax` messages in memory, and no new ones beyond its share of the memory (`MemoryShares`); the backend
 * takes the rest, or drops it. What is in memory is given to the backend while others need the memory more. In all, the
 * `DepthBound`: whoever puts asks `refusalOf` first, or the oldest are dropped.
 *
 * Thread: pump. Source: nsqd's `memoryMsgChan` and `backend` of topics and channels, which it picks at random.
 */

import { type Backend, dropAll } from './backend/backend.ts';
import type { Receipt } from './backend/receipt.ts';
import { type DepthBound, NO_BOUND } from './depth-bound.ts';
import { MemoryQueue } from './store/memory-queue.ts';
import { type HoldingQueue, NO_LEVEL, RAISE_BYTES_MIN } from './store/memory-shares.ts';
import type { MessageStore } from './store/message-store.ts';
import { NO_RECORD } from './store/slab.ts';

/** So many messages from memory may go before it is the backend's turn, although its head is younger. */
const MEMORY_STREAK_MAX = 256;

/** What the tag of a message in memory says about it, where that is asked for. */
export type TagMeaning = {
  readonly attemptsOf: (tag: number) => number;
  /** Units: Unix time in ms, 0 for at once. */
  readonly dueMsOf: (tag: number) => number;
};

/** A channel's: how often a message was sent. */
const TAG_IS_ATTEMPTS: TagMeaning = { attemptsOf: (tag) => tag, dueMsOf: () => 0 };

/** What a queue is made of. */
export type MessageQueueOptions = {
  /** What it is called where a publisher is refused. */
  readonly title: string;
  readonly store: MessageStore;
  readonly backend: Backend;
  /** Messages that it keeps in memory. */
  readonly memoryMax: number;
  readonly bound?: DepthBound;
  readonly tagMeaning?: TagMeaning;
};

export class MessageQueue implements HoldingQueue {
  readonly backend: Backend;
  /** Set by `MemoryShares`. */
  level = NO_LEVEL;
  raiseBytes = RAISE_BYTES_MIN;
  /** Bytes that what waits in memory takes there. */
  memoryBytes = 0;
  /** Bytes of messages that are in memory and do not wait here: in flight, deferred, on their way. */
  outsideBytes = 0;
  /** The run at the front, as `look` found it. */
  position = 0;
  runCount = 0;
  tag = 0;
  /** Whether that run is from the backend. */
  isFromBackend = false;
  /** Messages that the bound has cost. */
  droppedCount = 0;

  readonly #title: string;
  readonly #store: MessageStore;
  readonly #memory = new MemoryQueue();
  /** Messages from the files that were put back, and whose records are still there. */
  readonly #returned = new MemoryQueue();
  /** Where the run at the front is. */
  #front = this.#memory;
  readonly #memoryMax: number;
  readonly #bound: DepthBound;
  readonly #tagMeaning: TagMeaning;
  /** Bytes of the messages in memory as disk records, where they count. */
  #recordBytes = 0;
  /** Messages taken from memory since the backend had its turn. */
  #memoryStreak = 0;

  constructor(options: MessageQueueOptions) {
    const { title, store, backend, memoryMax } = options;
    this.backend = backend;
    this.#title = title;
    this.#store = store;
    this.#memoryMax = memoryMax;
    this.#bound = options.bound ?? NO_BOUND;
    this.#tagMeaning = options.tagMeaning ?? TAG_IS_ATTEMPTS;
  }

  get depth(): number {
    return this.#memory.count + this.backendDepth;
  }

  /** Those of the messages that are in the files, or on their way there. */
  get backendDepth(): number {
    return this.#returned.count + this.backend.depth;
  }

  /** Those of the messages that are in memory too although they are in the files. */
  get returnedCount(): number {
    return this.#returned.count;
  }

  /** Bytes of the messages as disk records, where a bound needs them; else 0. */
  get bytes(): number {
    return this.#countsBytes ? this.#recordBytes + this.backend.bytes : 0;
  }

  get memoryCount(): number {
    return this.#memory.count;
  }

  /** Whether it may hold more in memory. */
  get hasRoom(): boolean {
    return this.#store.shares.hasRoom(this.memoryBytes + this.outsideBytes);
  }

  /**
   * Whether what is deferred goes to the backend, which keeps or drops it: because there is no memory for it, or
   * because whatever is put is to be in the files.
   */
  get defersToBackend(): boolean {
    return !this.hasRoom || (this.#memoryMax === 0 && this.backend.isDurable);
  }

  /** Why so much more is beyond the bound; null if it is not, or where the oldest give way. */
  refusalOf(count: number, bytes: number): string | null {
    const { maxDepth, maxBytes, dropsOldest } = this.#bound;
    if (dropsOldest) return null;
    if (this.depth + count > maxDepth) return `${this.#title} is full, --max-depth=${maxDepth}`;
    if (this.bytes + bytes > maxBytes) return `${this.#title} is full, --max-bytes=${maxBytes}`;
    return null;
  }

  /**
   * Puts a run behind all others, with its references. What memory has no room for goes to the backend, which
   * keeps the attempts and the due time but no other tag. The receipt, if any, waits for the latter.
   *
   * Units: `dueMs` Unix time in ms, 0 for at once.
   */
  put(
    position: number,
    count: number,
    tag: number,
    attempts: number,
    dueMs: number,
    receipt: Receipt | null,
  ): void {
    let inMemory = Math.min(count, Math.max(0, this.#memoryMax - this.#memory.count));
    if (inMemory > 0 && !this.#mayPutInMemory()) inMemory = 0;
    if (inMemory > 0) this.putInMemory(position, inMemory, tag);
    const rest = count - inMemory;
    if (rest > 0) this.backend.put(position + inMemory, rest, attempts, dueMs, receipt);
    this.trim();
  }

  /** Puts a run into the backend, whatever room memory has. As `put`. */
  putToBackend(
    position: number,
    count: number,
    attempts: number,
    dueMs: number,
    receipt: Receipt | null,
  ): void {
    this.backend.put(position, count, attempts, dueMs, receipt);
    this.trim();
  }

  /** Puts a run into memory although it may be full: what is in it already came from there. */
  putInMemory(position: number, count: number, tag: number): void {
    this.#memory.put(position, count, tag);
    this.#onPut(position, count);
  }

  /** Puts a message back that the files have: into memory if there is room, else behind all others. */
  putBack(position: number, attempts: number): void {
    if (this.#memory.count < this.#memoryMax) this.putInMemory(position, 1, attempts);
    else {
      this.#returned.put(position, 1, attempts);
      this.#onPut(position, 1);
    }
    this.trim();
  }

  /** Finds the run to take from next. Returns false when there is none in memory; then more is fetched. */
  look(): boolean {
    if (this.#memoryStreak < MEMORY_STREAK_MAX || this.backend.fetched.count === 0) {
      return this.#lookAtOlder();
    }
    return this.#show(this.backend.fetched);
  }

  /** Takes messages off the run that `look` found; their references are the caller's. */
  take(count: number): void {
    if (this.#front === this.backend.fetched) {
      this.backend.take(count);
      this.#memoryStreak = 0;
    } else {
      this.#onTaken(this.position, count);
      this.#front.take(count);
      if (this.backend.fetched.count > 0) this.#memoryStreak += count;
    }
    this.position += count;
    this.runCount -= count;
  }

  /** Drops messages that were taken, wherever they are kept. */
  drop(position: number, count: number): void {
    this.backend.finish(position, count);
    this.#store.release(position, count);
  }

  /**
   * Drops the oldest messages beyond the bound, if it is they that give way. Those on disk are read for it, so for as
   * long as that takes there are more.
   */
  trim(): void {
    const { maxDepth, maxBytes, dropsOldest } = this.#bound;
    if (!dropsOldest) return;
    while (this.depth > maxDepth || this.bytes > maxBytes) {
      // What is to be read first is dropped when it has been.
      if (!this.#lookAtReturned() && !this.#lookAtOlder()) return;
      const excess = this.bytes > maxBytes ? 1 : this.depth - maxDepth;
      const { position } = this;
      const count = Math.min(this.runCount, excess);
      this.take(count);
      this.drop(position, count);
      this.droppedCount += count;
    }
  }

  /**
   * Gives the newest messages in memory away: to the backend, or if the files have them, to be read again. Those that
   * were put back go first. Behind others in the files they are out of their order.
   */
  evict(bytesMax: number): number {
    if (!this.backend.isAccepting) return 0;
    const before = this.memoryBytes;
    if (this.#returned.count > 0) this.#evict(this.#returned, bytesMax);
    const left = bytesMax - (before - this.memoryBytes);
    if (left > 0 && this.#memory.count > 0) this.#evict(this.#memory, left);
    return before - this.memoryBytes;
  }

  #evict(queue: MemoryQueue, bytesMax: number): void {
    const store = this.#store;
    const bytesOf = (position: number, count: number): number => store.heldBytes(position, count);
    queue.takeLast(queue.countOfLast(bytesMax, bytesOf), (position, count, tag) => {
      this.#onTaken(position, count);
      let next = position;
      for (let rest = count; rest > 0; ) {
        const isOnDisk = this.#isOnDisk(next);
        let run = 1;
        while (run < rest && this.#isOnDisk(next + run) === isOnDisk) run++;
        if (isOnDisk) this.#reread(next, run);
        else this.#putAway(next, run, tag);
        next += run;
        rest -= run;
      }
    });
  }

  #isOnDisk(position: number): boolean {
    return this.backend.isDurable && this.#store.recordNumber(position) !== NO_RECORD;
  }

  /** Messages that are in the files are to be read again; the files know their states already. */
  #reread(position: number, count: number): void {
    for (let next = position; next < position + count; next++) {
      this.backend.reread(this.#store.recordNumber(next));
    }
    this.#store.release(position, count);
  }

  #putAway(position: number, count: number, tag: number): void {
    const { attemptsOf, dueMsOf } = this.#tagMeaning;
    this.backend.put(position, count, attemptsOf(tag), dueMsOf(tag), null);
  }

  /** Moves what is in memory to the backend, unless the files have it. */
  spill(): void {
    this.#spill(this.#returned);
    this.#spill(this.#memory);
    this.#onEmptied();
  }

  #spill(queue: MemoryQueue): void {
    const { attemptsOf, dueMsOf } = this.#tagMeaning;
    while (queue.runCount > 0) {
      const { position, runCount, tag } = queue;
      queue.take(runCount);
      for (let next = position; next < position + runCount; next++) {
        if (this.#store.recordNumber(next) === NO_RECORD) {
          this.backend.put(next, 1, attemptsOf(tag), dueMsOf(tag), null);
          continue;
        }
        // The files may still say that it is due later.
        this.backend.update(next, attemptsOf(tag), dueMsOf(tag));
        this.#store.release(next, 1);
      }
    }
  }

  /** Drops everything that waits. Calls back with null or what went wrong. */
  empty(done: (error: string | null) => void): void {
    this.dropMemory();
    this.backend.empty(done);
  }

  /** Drops what is in memory; the backend is closed or deleted by the caller. */
  dropMemory(): void {
    dropAll(this.#memory, this.#store);
    dropAll(this.#returned, this.#store);
    this.#onEmptied();
  }

  /**
   * Whether memory may take new messages; if it might but for others that hold more, they are told. Where the oldest
   * give way, only while the backend is empty, so that what is in memory is older than what is not.
   */
  #mayPutInMemory(): boolean {
    if (this.#bound.dropsOldest && this.backend.depth > 0) return false;
    if (this.hasRoom) return true;
    this.#store.shares.onRefused(this.memoryBytes + this.outsideBytes);
    return false;
  }

  /** Messages have come into memory. */
  #onPut(position: number, count: number): void {
    if (this.#countsBytes) this.#recordBytes += this.#store.runBytes(position, count);
    this.memoryBytes += this.#store.heldBytes(position, count);
    if (this.memoryBytes >= this.raiseBytes) this.#store.shares.raise(this);
  }

  /** Messages have left memory; they are still in the store. */
  #onTaken(position: number, count: number): void {
    if (this.#countsBytes) this.#recordBytes -= this.#store.runBytes(position, count);
    this.memoryBytes -= this.#store.heldBytes(position, count);
  }

  #onEmptied(): void {
    this.#recordBytes = 0;
    this.memoryBytes = 0;
    this.#store.shares.forget(this);
  }

  get #countsBytes(): boolean {
    return this.#bound.maxBytes < Number.POSITIVE_INFINITY;
  }

  /** Shows the run whose first message is older. Asks for more to be read where nothing is fetched. */
  #lookAtOlder(): boolean {
    const memory = this.#memory;
    const { fetched } = this.backend;
    if (fetched.count === 0) {
      this.backend.demand();
      if (memory.count > 0) return this.#show(memory);
      return this.#returned.count > 0 && this.#show(this.#returned);
    }
    if (memory.count === 0) return this.#show(fetched);
    const isBackendOlder =
      this.#store.timestampSeconds(fetched.position) <=
      this.#store.timestampSeconds(memory.position);
    return this.#show(isBackendOlder ? fetched : memory);
  }

  /** Shows what was put back behind all others: it was read before everything that is on disk. */
  #lookAtReturned(): boolean {
    return this.#returned.count > 0 && this.#show(this.#returned);
  }

  #show(queue: MemoryQueue): true {
    this.#front = queue;
    this.position = queue.position;
    this.runCount = queue.runCount;
    this.tag = queue.tag;
    this.isFromBackend = queue !== this.#memory;
    return true;
  }
}
