/**
 * The waiting messages of a topic or of a channel: a bounded memory queue, and a backend for the rest.
 *
 * Each source is first in, first out. When both have messages, the older head goes first. After a number of messages
 * from memory the backend has its turn all the same, so that messages which are put back again and again do not hold up
 * those on disk. A message that is put back while memory is full, and is on disk anyway, goes behind everything on
 * disk, where nsqd would write it.
 *
 * Bound: `memoryMax` messages in memory, and no new ones beyond its share of the memory (`MemoryShares`); the backend
 * takes the rest, or drops it. Messages in memory go to the backend while other queues need the memory more. For
 * everything together, the `DepthBound`: callers ask `refusalOf` before they put, or the oldest messages are dropped.
 *
 * Seams: the simulator replaces `putInMemory` and `putBack` of an instance.
 * Thread: pump. Source: nsqd's `memoryMsgChan` and `backend` of topics and channels, which it picks at random.
 */

import { type Backend, dropAll } from './backend/backend.ts';
import type { Receipt } from './backend/receipt.ts';
import { type DepthBound, NO_BOUND } from './depth-bound.ts';
import { MemoryQueue } from './store/memory-queue.ts';
import { type HoldingQueue, NO_LEVEL, RAISE_BYTES_MIN } from './store/memory-shares.ts';
import type { MessageStore } from './store/message-store.ts';
import { NO_RECORD } from './store/slab.ts';

/** After this many messages from memory the backend has its turn, even if its head is younger. */
const MEMORY_STREAK_MAX = 256;

/** How the tag of a message in memory is to be read. */
export type TagMeaning = {
  readonly attemptsOf: (tag: number) => number;
  /** Units: Unix time in ms, 0 for at once. */
  readonly dueMsOf: (tag: number) => number;
};

/** In a channel the tag is how often a message was sent. */
const TAG_IS_ATTEMPTS: TagMeaning = { attemptsOf: (tag) => tag, dueMsOf: () => 0 };

/** What a queue is made of. */
export type MessageQueueOptions = {
  /** Its name in the error that a refused publisher gets. */
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
  /** Memory that the waiting messages take, in bytes. */
  memoryBytes = 0;
  /** Bytes of messages that are in memory and do not wait here: in flight, deferred, on their way. */
  outsideBytes = 0;
  /** The run at the front, as `look` found it. */
  position = 0;
  runCount = 0;
  tag = 0;
  /** Whether that run is from the backend. */
  isFromBackend = false;
  /** Messages dropped because of the bound. */
  droppedCount = 0;

  readonly #title: string;
  readonly #store: MessageStore;
  readonly #memory = new MemoryQueue();
  /** Messages that were put back and whose records are still in the files. */
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

  /** Messages that are in the files, or on their way there. */
  get backendDepth(): number {
    return this.#returned.count + this.backend.depth;
  }

  /** Messages that are in memory and in the files. */
  get returnedCount(): number {
    return this.#returned.count;
  }

  /** Bytes of the messages as disk records if a bound needs them, otherwise 0. */
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
   * Whether deferred messages go to the backend, which keeps or drops them: there is no memory for them, or all
   * messages must be in the files.
   */
  get defersToBackend(): boolean {
    return !this.hasRoom || (this.#memoryMax === 0 && this.backend.isDurable);
  }

  /** Why this much more would exceed the bound; null if it would not, or if the oldest messages are dropped for it. */
  refusalOf(count: number, bytes: number): string | null {
    const { maxDepth, maxBytes, dropsOldest } = this.#bound;
    if (dropsOldest) return null;
    if (this.depth + count > maxDepth) return `${this.#title} is full, --max-depth=${maxDepth}`;
    if (this.bytes + bytes > maxBytes) return `${this.#title} is full, --max-bytes=${maxBytes}`;
    return null;
  }

  /**
   * Puts a run behind all others, with its references. Messages that memory has no room for go to the backend, which
   * keeps their attempts and due time but no other tag. The receipt, if any, waits for those.
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

  /** Puts a run into the backend even if memory has room. As `put`. */
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

  /** Puts a run into memory even if that is full: its messages were there before. */
  putInMemory(position: number, count: number, tag: number): void {
    this.#memory.put(position, count, tag);
    this.#onPut(position, count);
  }

  /** Puts a message back whose record is in the files: into memory if there is room, otherwise behind all others. */
  putBack(position: number, attempts: number): void {
    if (this.#memory.count < this.#memoryMax) this.putInMemory(position, 1, attempts);
    else {
      this.#returned.put(position, 1, attempts);
      this.#onPut(position, 1);
    }
    this.trim();
  }

  /** Finds the run to take from next. Returns false when there is none in memory; then it asks for more. */
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
   * Drops the oldest messages beyond the bound, if the policy says so. Messages on disk must be read first, so until
   * then there are more than the bound.
   */
  trim(): void {
    const { maxDepth, maxBytes, dropsOldest } = this.#bound;
    if (!dropsOldest) return;
    while (this.depth > maxDepth || this.bytes > maxBytes) {
      // Messages that must be read first are dropped once they have been.
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
   * Evicts the newest messages from memory: to the backend or, if their records are in the files, to be read again.
   * Messages that were put back go first. Behind others in the files they lose their order.
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

  /** Messages that are in the files will be read again; the files have their states already. */
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

  /** Moves messages from memory to the backend, unless their records are in the files. */
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
        // Its state in the files may still say that it is due later.
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
   * Whether memory may take new messages. If only queues that hold more prevent that, they must evict. If the bound
   * drops the oldest messages, only while the backend is empty, so that messages in memory are older than those on
   * disk.
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

  /** Shows the run whose first message is older. Asks for more if nothing is fetched. */
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

  /** Shows messages that were put back behind all others: they were read before everything on disk. */
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
