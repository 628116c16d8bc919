/**
 * Syncs the queues of a disk thread: those that are due, those for which the journal waits, and those whose last sync
 * failed. It reports to the pumps when a queue cannot be synced or written to, and when it can again.
 *
 * Bound: per turn `SYNCS_PER_TURN` syncs, besides those that a commit requests.
 * Errors: of file calls become log lines and news for the pumps.
 * Units: ms, monotonic. Thread: disk.
 */

import { rethrowBug } from '../../shared/assert.ts';
import { SYNCED, WRITABLE } from '../disk-records.ts';
import { LOG_ERROR } from './files/disk-log.ts';
import { errorWithCauses } from './files/file-error.ts';
import type { KnownQueue, KnownQueues } from './known-queues.ts';
import { SyncPlan } from './sync-plan.ts';

/** Few, since each may take milliseconds while requests wait. */
const SYNCS_PER_TURN = 4;

/** The journal, as a sync sees it. */
interface JournaledQueues {
  /** Queues for which the journal waits. */
  readonly blocking: readonly KnownQueue[];
  /** All records of the queue are durable. */
  onSynced(known: KnownQueue): void;
}

export class QueueSyncs {
  readonly #queues: KnownQueues;
  readonly #commits: JournaledQueues;
  readonly #plan: SyncPlan<KnownQueue>;
  readonly #health = new QueueHealth<KnownQueue>();
  #nowMs = 0;

  constructor(queues: KnownQueues, commits: JournaledQueues, syncTimeoutMs: number) {
    this.#queues = queues;
    this.#commits = commits;
    this.#plan = new SyncPlan(syncTimeoutMs);
  }

  /** Does what is due now. Returns how many queues were synced or probed. */
  step(nowMs: number): number {
    this.#nowMs = nowMs;
    for (const known of this.#commits.blocking) this.syncForCommits(known, 'next');
    const done = this.#plan.forEachDue(nowMs, SYNCS_PER_TURN, (known) => this.#sync(known));
    return done + this.#health.probe(nowMs, (known) => this.#probe(known));
  }

  /** When something is due next; Infinity if nothing is. */
  nextMs(nowMs: number): number {
    return Math.min(this.#plan.nextMs(nowMs), this.#health.nextProbeMs);
  }

  /** Syncs a queue for which the journal waits; one whose sync has failed keeps its usual time. */
  syncForCommits(known: KnownQueue, when: 'now' | 'next'): void {
    if (this.#health.isUnsynced(known)) return;
    if (when === 'next') this.#plan.addNext(known);
    else this.#sync(known);
  }

  /** A sync of the queue has succeeded, or failed with an error. */
  onSynced(known: KnownQueue, error: string | undefined): void {
    if (error !== undefined) {
      known.link.log(LOG_ERROR, `DISKQUEUE(${known.name}): failed to sync - ${error}`);
    }
    this.#health.onSynced(known, error);
    this.#plan.forget(known);
    this.plan(known);
  }

  /** An append was carried out, or has failed. */
  onWritten(known: KnownQueue, hasFailed: boolean): void {
    this.#health.onWritten(known, hasFailed, this.#nowMs);
  }

  /** Schedules a sync for the next turn or after the sync timeout, as needed. */
  plan(known: KnownQueue): void {
    this.#plan.add(known, known.queue, this.#nowMs);
  }

  forget(known: KnownQueue): void {
    this.#plan.forget(known);
    this.#health.forget(known);
  }

  /** Sends the pumps as many reports as their rings have room for. */
  tell(): void {
    this.#health.tell((news) => this.#tell(news));
  }

  #sync(known: KnownQueue): void {
    try {
      known.queue?.sync();
      this.#commits.onSynced(known);
      this.onSynced(known, undefined);
    } catch (error) {
      this.onSynced(known, errorWithCauses(error));
    }
  }

  /** Errors: throws if the queue cannot be written to. */
  #probe(known: KnownQueue): void {
    const queue = this.#queues.opened(known);
    // A write is waiting, so a failed sync is repeated before the sync timeout.
    if (queue.hasFailedSync) this.#sync(known);
    queue.probe();
  }

  /** Returns whether there was room. */
  #tell({ queue: { link, number, queue }, about, error }: HealthNews<KnownQueue>): boolean {
    if (!link.claimAnswer()) return false;
    link.answer(about === 'sync' ? SYNCED : WRITABLE, number, queue, error);
    return true;
  }
}

/** Delay before the first probe, and between probes. Units: ms. */
const PROBE_MS = 1000;

/** News of a queue: the outcome of its syncs, or that it is writable again. */
export type HealthNews<Q> =
  | { readonly queue: Q; readonly about: 'sync'; readonly error: string | undefined }
  | { readonly queue: Q; readonly about: 'write'; readonly error: undefined };

/**
 * Reports what pumps cannot learn from answers: that syncs fail or succeed again, and that a queue is writable again.
 *
 * A queue whose last write failed is probed regularly, since there may be no other write: a broker that reports
 * itself as unhealthy may get no more publishes.
 *
 * Bound: an entry for each unhealthy queue.
 */
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
