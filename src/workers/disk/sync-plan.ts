/**
 * When queues are synced: `UnsyncedChanges` counts what one queue has changed, and `SyncPlan` orders the queues of a
 * thread: at the next turn, or some time after they have changed.
 *
 * Units: ms, monotonic. Thread: disk.
 */

import type { Safekeeping } from './journal/group-commit.ts';

/** Whether a queue needs a sync. */
export interface SyncNeed {
  readonly mustSync: boolean;
  readonly wantsSync: boolean;
}

export class SyncPlan<K> {
  readonly #timeoutMs: number;
  /** Queues to be synced at the next turn. */
  readonly #next = new Set<K>();
  /** When the others are due, in the order of time, because all wait equally long. */
  readonly #atMs = new Map<K, number>();

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** When the next sync is due; Infinity if none is. */
  nextMs(nowMs: number): number {
    if (this.#next.size > 0) return nowMs;
    return this.#atMs.values().next().value ?? Number.POSITIVE_INFINITY;
  }

  /** Calls back for the queues that are due, at most `max`; `sync` takes them off the plan. Returns how many. */
  forEachDue(nowMs: number, max: number, sync: (queue: K) => void): number {
    let count = 0;
    for (const queue of this.#next) {
      if (count === max) return count;
      sync(queue);
      count++;
    }
    for (const [queue, timeMs] of this.#atMs) {
      if (count === max || timeMs > nowMs) return count;
      sync(queue);
      count++;
    }
    return count;
  }

  /** Syncs the queue at the next turn. */
  addNext(queue: K): void {
    this.#next.add(queue);
  }

  /** Syncs the queue when its state asks for it. */
  add(queue: K, need: SyncNeed | undefined, nowMs: number): void {
    if (need?.mustSync) this.#next.add(queue);
    if (!need?.wantsSync) this.forget(queue);
    else if (!this.#atMs.has(queue)) this.#atMs.set(queue, nowMs + this.#timeoutMs);
  }

  forget(queue: K): void {
    this.#next.delete(queue);
    this.#atMs.delete(queue);
  }
}

/**
 * Counts the changes of a queue since its last sync, and decides whether a sync is due.
 */
export class UnsyncedChanges {
  readonly #syncEvery: number;
  /** Records appended, finished or updated since the last sync, without those in the journal. */
  #operations = 0;
  /** Whether records were appended since then that are in the journal. */
  #hasJournaled = false;
  #isDue = false;

  /** `syncEvery`: operations after which a sync is due. */
  constructor(syncEvery: number) {
    this.#syncEvery = syncEvery;
  }

  /** Whether a sync is due now, before the sync timeout. */
  get isDue(): boolean {
    return this.#isDue;
  }

  /**
   * Whether a sync is wanted after the sync timeout: records that are also in the journal can wait until it is full.
   */
  get isWanted(): boolean {
    return this.#isDue || this.#operations > 0;
  }

  /** Whether there is anything to sync. */
  get isThere(): boolean {
    return this.isWanted || this.#hasJournaled;
  }

  /** The next turn syncs. */
  makeDue(): void {
    this.#isDue = true;
  }

  count(operations: number): void {
    this.#operations += operations;
    if (this.#operations >= this.#syncEvery) this.#isDue = true;
  }

  onAppend(records: number, safekeeping: Safekeeping): void {
    if (safekeeping === 'next sync') this.count(records);
    else this.#hasJournaled = true;
  }

  /** Everything is durable. `isMore`: the next sync nevertheless has work. */
  onSynced(isMore: boolean): void {
    this.#operations = isMore ? 1 : 0;
    this.#hasJournaled = false;
    this.#isDue = false;
  }

  /** A sync has failed; the next is due now or after the sync timeout. */
  onFailed(isDue: boolean): void {
    this.#operations = Math.max(this.#operations, 1);
    this.#isDue = isDue;
  }
}
