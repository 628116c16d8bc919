/**
 * Reports what pumps cannot learn from answers: that syncs fail or succeed again, and that a queue is writable again.
 *
 * A queue whose last write failed is probed regularly, since there may be no other write: a broker that reports
 * itself as unhealthy may get no more publishes.
 *
 * Bound: an entry for each unhealthy queue. Thread: disk.
 */

import { rethrowBug } from '../../shared/assert.ts';

/** Delay before the first probe, and between probes. Units: ms. */
const PROBE_MS = 1000;

/** News of a queue: the outcome of its syncs, or that it is writable again. */
export type HealthNews<Q> =
  | { readonly queue: Q; readonly about: 'sync'; readonly error: string | undefined }
  | { readonly queue: Q; readonly about: 'write'; readonly error: undefined };

export class QueueHealth<Q> {
  /** Queues whose last write failed, with the time of the next probe, in that order. */
  readonly #probeAtMs = new Map<Q, number>();
  readonly #unsynced = new Set<Q>();
  /** By queue, so that only the latest news is sent. */
  readonly #syncNews = new Map<Q, HealthNews<Q>>();
  readonly #writeNews = new Map<Q, HealthNews<Q>>();

  /** When the next probe is due; Infinity if none is. */
  get nextProbeMs(): number {
    return this.#probeAtMs.values().next().value ?? Number.POSITIVE_INFINITY;
  }

  /** A write was answered. */
  onWritten(queue: Q, hasFailed: boolean, nowMs: number): void {
    this.#writeNews.delete(queue);
    this.#probeAtMs.delete(queue);
    if (hasFailed) this.#probeAtMs.set(queue, nowMs + PROBE_MS);
  }

  onSynced(queue: Q, error: string | undefined): void {
    if (error === undefined && !this.#unsynced.delete(queue)) return;
    if (error !== undefined) this.#unsynced.add(queue);
    this.#syncNews.set(queue, { queue, about: 'sync', error });
  }

  /** Whether the last sync of the queue has failed. */
  isUnsynced(queue: Q): boolean {
    return this.#unsynced.has(queue);
  }

  /** Probes the queues that are due: `probe` throws if a queue cannot be written to. Returns how many. */
  probe(nowMs: number, probe: (queue: Q) => void): number {
    let count = 0;
    for (const [queue, timeMs] of this.#probeAtMs) {
      if (timeMs > nowMs) break;
      this.#probeAtMs.delete(queue);
      count++;
      try {
        probe(queue);
        this.#writeNews.set(queue, { queue, about: 'write', error: undefined });
      } catch (error) {
        rethrowBug(error);
        // The pump already knows the error of the failed write.
        this.#probeAtMs.set(queue, nowMs + PROBE_MS);
      }
    }
    return count;
  }

  /** Passes the news to `tell`, and keeps those that it does not accept. */
  tell(tell: (news: HealthNews<Q>) => boolean): void {
    for (const news of [this.#syncNews, this.#writeNews]) {
      for (const [queue, item] of news) if (tell(item)) news.delete(queue);
    }
  }

  /** The queue is closed. */
  forget(queue: Q): void {
    this.#probeAtMs.delete(queue);
    this.#unsynced.delete(queue);
    this.#syncNews.delete(queue);
    this.#writeNews.delete(queue);
  }
}
