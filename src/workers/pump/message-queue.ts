/**
 * The waiting messages of a topic or of a channel: a bounded memory queue, and a backend for the rest.
 *
 * Each source is first in, first out. If both have messages, the older head goes first. After a number of messages
 * from memory the backend gets a turn anyway, so that messages which are put back repeatedly do not starve those on
 * disk. A message that is put back while memory is full, and whose record is on disk, goes after everything on disk,
 * where nsqd would write it.
 *
 * Bound: `memoryMax` messages in memory, and no new ones beyond its share of the memory (`MemoryShares`); the backend
 * takes the rest, or drops it. Messages in memory go to the backend while other queues need the memory more. In
 * total, the `DepthBound`: callers check `refusalOf` before they put, or the oldest messages are dropped.
 *
 * Seams: the simulator replaces `putInMemory` and `putBack` of an instance.
 * Thread: pump. Source: nsqd's `memoryMsgChan` and `backend` of topics and channels, which it picks at random.
 */

import type { Receipt } from './backend/append-lane.ts';
import type { Backend } from './backend/backend.ts';
import type { Reason } from './dead-letters.ts';
import { MessageAges } from './message-ages.ts';
import type { MessageQueueOptions } from './message-queue-options.ts';
import type { MemoryQueue } from './store/memory-queue.ts';
import type { MessageStore } from './store/message-store.ts';
import { type DepthBound, NO_BOUND } from './topic-bound.ts';
import type { Undelivered } from './undelivered.ts';
import { type TagMeaning, WaitingMemory } from './waiting-memory.ts';
import type { WallClock } from './wall-clock.ts';

/** After this many messages from memory the backend gets a turn, even if its head is younger. */
const MEMORY_STREAK_MAX = 256;

/** Most messages that one call gives up. */
const DISCARDED_AT_ONCE = 1024;

/** In a channel the tag is the number of attempts. */
const TAG_IS_ATTEMPTS: TagMeaning = { attemptsOf: (tag) => tag, dueMsOf: () => 0 };

export class MessageQueue {
  readonly backend: Backend;
  /** Bytes of messages in memory that do not wait here: in flight, deferred, or on their way. */
  outsideBytes = 0;
  /** The run at the front, as `look` found it. */
  position = 0;
  runCount = 0;
  tag = 0;
  /** Whether that run is from the backend. */
  isFromBackend = false;

  readonly #title: string;
  readonly #store: MessageStore;
  /** The messages that wait in memory. */
  readonly waiting: WaitingMemory;
  readonly #memory: MemoryQueue;
  readonly #returned: MemoryQueue;
  /** The queue of the run at the front. */
  #front: MemoryQueue;
  #memoryMax: number;
  #bound: DepthBound;
  readonly #attemptsOf: (tag: number) => number;
  readonly #undelivered: Undelivered;
  /** Messages taken from memory since the backend's last turn. */
  #memoryStreak = 0;

  constructor(options: MessageQueueOptions) {
    const { title, store, backend, memoryMax } = options;
    this.backend = backend;
    this.#title = title;
    this.#store = store;
    this.#memoryMax = memoryMax;
    this.#bound = options.bound ?? NO_BOUND;
    const tagMeaning = options.tagMeaning ?? TAG_IS_ATTEMPTS;
    this.#attemptsOf = tagMeaning.attemptsOf;
    this.waiting = new WaitingMemory(store, backend, tagMeaning);
    this.#memory = this.waiting.fresh;
    this.#returned = this.waiting.returned;
    this.#front = this.#memory;
    this.waiting.countRecords(this.#countsBytes);
    this.#undelivered = options.undelivered;
  }

  /** Changes the bounds. Messages in memory stay there; messages beyond a bound are dropped if the policy allows. */
  setBounds(memoryMax: number, bound: DepthBound): void {
    this.#memoryMax = memoryMax;
    this.#bound = bound;
    this.waiting.countRecords(this.#countsBytes);
    this.trim();
  }

  /** Sets the age at which messages expire; 0 for never. Checks the waiting messages once. */
  setTtl(ttlMs: number, wallClock: WallClock): void {
    if (this.ages !== null) this.ages.setTtl(ttlMs || Number.POSITIVE_INFINITY);
    else if (ttlMs > 0) this.waiting.watchAges(new MessageAges(this.#store, wallClock, ttlMs));
  }

  /** The ages of the messages, if they are limited. */
  get ages(): MessageAges | null {
    return this.waiting.ages;
  }

  /**
   * Removes expired messages that are accessible, up to DISCARDED_AT_ONCE. Returns when the next one expires or should
   * be looked for; Infinity if there is none. Units: Unix time in ms.
   */
  expire(): number {
    const { ages } = this;
    if (ages === null) return Number.POSITIVE_INFINITY;
    const limit = this.expiredCount + DISCARDED_AT_ONCE;
    ages.reschedule();
    ages.hideExpired(DISCARDED_AT_ONCE, (position, attempts) => {
      // Its place in the queue keeps its own reference.
      this.#store.retain(position, 1, 1);
      this.#undelivered.discard(this, position, 1, attempts, 'expired');
    });
    let nextMs = ages.nextMs;
    for (const queue of [this.#memory, this.#returned, this.backend.fetched]) {
      nextMs = Math.min(nextMs, this.#expireFirst(queue, ages, limit));
    }
    if (this.backend.fetched.count === 0) this.backend.demand();
    return nextMs;
  }

  /** Removes expired messages from the front of a queue, up to a count. Returns when the next one expires. */
  #expireFirst(queue: MemoryQueue, ages: MessageAges, limit: number): number {
    for (;;) {
      this.waiting.passHidden(ages);
      if (queue.count === 0) return Number.POSITIVE_INFINITY;
      this.#show(queue);
      const room = Math.min(this.runCount, limit - this.expiredCount);
      const count = ages.leadingExpired(this.position, room);
      if (count === 0) return ages.expiryMs(this.position);
      this.#discard(count, 'expired');
    }
  }

  /**
   * Removes messages at the front that must not be delivered, up to DISCARDED_AT_ONCE. Returns false if there may be
   * more. Call `look` again afterwards.
   */
  discardFront(attemptsMax: number): boolean {
    for (let left = DISCARDED_AT_ONCE; this.look(); ) {
      if (left === 0) return false;
      const room = Math.min(this.runCount, left);
      const expired = this.ages?.leadingExpired(this.position, room) ?? 0;
      if (expired > 0) this.#discard(expired, 'expired');
      else if (attemptsMax > 0 && this.attempts(this.position) >= attemptsMax) {
        this.#discard(1, 'attempts');
      } else return true;
      left -= Math.max(1, expired);
    }
    return true;
  }

  /** How many messages at the front of the run that `look` found may be delivered. */
  deliverable(countMax: number, attemptsMax: number): number {
    let count = Math.min(countMax, this.runCount);
    if (this.ages !== null) count = this.ages.leadingFresh(this.position, count);
    // The messages of other runs have equal attempts.
    if (attemptsMax === 0 || !this.isFromBackend) return count;
    for (let i = 0; i < count; i++) {
      if (this.attempts(this.position + i) >= attemptsMax) return i;
    }
    return count;
  }

  /** The attempts of a message in the run that `look` found. */
  attempts(position: number): number {
    return this.#attemptsOf(this.tag) || this.#store.attempts(position);
  }

  get depth(): number {
    return this.#memory.count + this.backendDepth - (this.ages?.hidden.size ?? 0);
  }

  /** Messages that are in the files, or on their way there. */
  get backendDepth(): number {
    return this.#returned.count + this.backend.depth;
  }

  /** Messages that were put back and are in memory and in the files. */
  get returnedCount(): number {
    return this.#returned.count;
  }

  /** Bytes of the messages as disk records if a bound needs them, otherwise 0. */
  get bytes(): number {
    return this.#countsBytes ? this.waiting.recordBytes + this.backend.bytes : 0;
  }

  get expiredCount(): number {
    return this.#undelivered.expiredCount;
  }

  /** Messages that were dropped because of the bound. */
  get droppedCount(): number {
    return this.#undelivered.droppedCount;
  }

  get memoryCount(): number {
    return this.#memory.count;
  }

  /** Whether it may hold more in memory. */
  get hasRoom(): boolean {
    return this.#store.shares.hasRoom(this.memoryBytes + this.outsideBytes);
  }

  /**
   * Whether memory accepts deferred messages; otherwise they go to the backend, which keeps or drops them: there is no
   * memory for them, or all messages must be in the files.
   */
  mayDeferInMemory(): boolean {
    return (this.#memoryMax > 0 || !this.backend.isDurable) && this.#claimsRoom();
  }

  /** Why this much more would exceed the bound; null if it would not, or if the oldest are dropped instead. */
  refusalOf(count: number, bytes: number): string | null {
    const { maxDepth, maxBytes, dropsOldest } = this.#bound;
    if (dropsOldest) return null;
    if (this.depth + count > maxDepth) return `${this.#title} is full, --max-depth=${maxDepth}`;
    if (this.bytes + bytes > maxBytes) return `${this.#title} is full, --max-bytes=${maxBytes}`;
    return null;
  }

  /**
   * Puts a run at the end, with its references. Messages that do not fit into memory go to the backend, which keeps
   * their attempts and due time but no other tag. The receipt, if any, waits for those.
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

  /** Puts a run into memory even if it is full: its messages were there before. */
  putInMemory(position: number, count: number, tag: number): void {
    this.waiting.put(this.#memory, position, count, tag);
  }

  /**
   * Puts a message back whose record is in the files: into memory if there is room, otherwise at the end of the
   * files.
   */
  putBack(position: number, attempts: number): void {
    if (this.#memory.count < this.#memoryMax) this.putInMemory(position, 1, attempts);
    else this.waiting.put(this.#returned, position, 1, attempts);
    this.trim();
  }

  /** Finds the next run. Returns false if none is in memory; then it fetches more. */
  look(): boolean {
    if (this.#memoryStreak < MEMORY_STREAK_MAX || this.backend.fetched.count === 0) {
      return this.#lookAtOlder();
    }
    return this.#show(this.backend.fetched);
  }

  /** Takes messages from the run that `look` found; the caller gets their references. */
  take(count: number): void {
    if (this.#front === this.backend.fetched) {
      this.backend.take(count);
      this.#memoryStreak = 0;
    } else {
      this.waiting.take(this.#front, count);
      if (this.backend.fetched.count > 0) this.#memoryStreak += count;
    }
    this.position += count;
    this.runCount -= count;
  }

  /** Drops messages that were taken, in memory and in the files. */
  drop(position: number, count: number): void {
    this.backend.finish(position, count);
    this.ages?.forget(position, count);
    this.#store.release(position, count);
  }

  /**
   * Drops the oldest messages beyond the bound, if the policy says so. Messages on disk must be read first; until
   * then the queue exceeds the bound.
   */
  trim(): void {
    const { maxDepth, maxBytes, dropsOldest } = this.#bound;
    if (!dropsOldest) return;
    while (this.depth > maxDepth || this.bytes > maxBytes) {
      // Messages on disk are dropped after they have been read.
      if (!this.#lookAtReturned() && !this.#lookAtOlder()) return;
      // Looking may have passed expired messages, whose bytes counted until then.
      const excess = this.bytes > maxBytes ? 1 : this.depth - maxDepth;
      if (excess > 0) this.#discard(Math.min(this.runCount, excess), 'full');
    }
  }

  /** Bytes of the messages that wait in memory. */
  get memoryBytes(): number {
    return this.waiting.memoryBytes;
  }

  /** Moves messages from memory to the backend, unless their records are in the files. */
  spill(): void {
    this.waiting.spill();
  }

  /** Drops everything that waits. Calls back with null or an error. */
  empty(done: (error: string | null) => void): void {
    this.dropMemory();
    this.backend.empty(done);
  }

  /** Drops the messages in memory; the caller closes or deletes the backend. */
  dropMemory(): void {
    this.waiting.drop();
  }

  /**
   * Whether memory accepts new messages. If the bound drops the oldest messages, memory accepts new ones only while the
   * backend is empty, so that messages in memory are older than those on disk.
   */
  #mayPutInMemory(): boolean {
    return (!this.#bound.dropsOldest || this.backend.depth === 0) && this.#claimsRoom();
  }

  /** Whether it may hold more in memory. If only larger queues prevent that, they must evict. */
  #claimsRoom(): boolean {
    if (this.hasRoom) return true;
    this.#store.shares.onRefused(this.memoryBytes + this.outsideBytes);
    return false;
  }

  get #countsBytes(): boolean {
    return this.#bound.maxBytes < Number.POSITIVE_INFINITY;
  }

  /** Selects the run whose first message is older. Fetches more if nothing is fetched. */
  #lookAtOlder(): boolean {
    const memory = this.#memory;
    const { fetched } = this.backend;
    if (this.waiting.ages !== null) this.waiting.passHidden(this.waiting.ages);
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

  /** Selects messages that were put back at the end: they were read before everything else on disk. */
  #lookAtReturned(): boolean {
    if (this.waiting.ages !== null) this.waiting.passHidden(this.waiting.ages);
    return this.#returned.count > 0 && this.#show(this.#returned);
  }

  #show(queue: MemoryQueue): true {
    this.#front = queue;
    this.position = queue.position;
    this.runCount = queue.runCount;
    this.tag = queue.tag;
    this.isFromBackend = queue !== this.#memory;
    const { ages } = this.waiting;
    if (ages !== null && ages.hidden.size > 0)
      this.runCount = ages.countBeforeHidden(this.position, this.runCount);
    return true;
  }

  /** Takes messages from the selected run and passes them to `undelivered`. */
  #discard(count: number, reason: Reason): void {
    const { position } = this;
    const attempts = this.#attemptsOf(this.tag);
    this.take(count);
    this.#undelivered.discard(this, position, count, attempts, reason);
  }
}
