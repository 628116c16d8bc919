/**
 * Decides which queues of a disk thread to sync, and when: at the next turn, or some time after they have changed.
 *
 * Units: ms, monotonic. Thread: disk.
 */

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
