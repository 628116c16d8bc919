/**
 * Group commit: collects appends whose publishers wait for stable storage, and makes them durable together with one
 * write and one sync of the journal, however many queues they are for. Appends that arrive while that sync runs share
 * the next one.
 *
 * A queue whose last records are neither durable nor in the journal is synced itself instead (`syncRecords`), because a
 * power loss must not take any record before one in the journal. After that sync its appends go into the journal again,
 * and while it has records there, so do appends for which nobody waits. The same happens if the journal fails or has no
 * room: nothing is reported as durable that was not synced, and no publisher is refused unnecessarily.
 *
 * Bound: the journal's; of appends that wait, those of one turn of the thread.
 * Errors: `append` and `drop` throw; a failed commit is an outcome, for the appends of the queues that could not be
 * synced.
 * Thread: disk. Source: PostgreSQL's `XLogFlush`.
 */

import { AssertionError } from '../../../shared/assert.ts';
import { type DiskLog, LOG_WARNING } from '../files/disk-log.ts';
import { errorWithCauses, fileError } from '../files/file-error.ts';
import type { WrittenRun } from '../segments/segment-writer.ts';
import { Journal, type JournalOptions } from './journal.ts';
import { entryBytes } from './journal-entry.ts';

/** The durability of an append until the next sync of its queue. */
export type Safekeeping = 'next sync' | 'journal';

/** Which records of a queue a power loss may take, and how to prevent it. */
export interface CommitSafety {
  /** Whether there are records that are neither durable nor in the journal. */
  readonly hasLooseRecords: boolean;
  /** Whether there are segments whose names may not be durable. */
  readonly hasNewNames: boolean;
  /** The data path was synced. */
  onNamesSynced(): void;
  /** The journal has failed to store the records. */
  loosen(): void;
  /**
   * Makes appended records durable, with their due times, and nothing else: metadata stays unchanged, and recovery
   * counts the records after its write position. Errors: throws; see `SegmentWriter` for what a failed sync means.
   */
  syncRecords(): void;
}

/** A disk queue, as a commit sees it. */
export interface CommitQueue {
  readonly safety: CommitSafety;
  append(
    bytes: Uint8Array,
    start: number,
    end: number,
    count: number,
    dueTimes: ArrayLike<number> | undefined,
    safekeeping: Safekeeping,
  ): readonly WrittenRun[];
}

/** Records to be appended. */
export interface AppendedRecords {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly count: number;
  readonly dueTimes: readonly number[] | undefined;
}

/** The thread, as a commit sees it. `K` identifies a queue of the thread. */
export interface GroupCommitOptions<K> extends JournalOptions {
  readonly nameOf: (known: K) => string;
  /** Syncs the queue as usual, and calls `onSynced` if that succeeds. */
  readonly syncQueue: (known: K) => void;
  /** A queue could not be synced by itself. */
  readonly onSyncFailed: (known: K, error: string) => void;
  readonly log: DiskLog;
}

/** Waiting appends of one queue. */
interface Waiting<K> {
  readonly known: K;
  readonly queue: CommitQueue;
  count: number;
}

/** Whether this many appends of a queue are durable. */
export interface CommitOutcome<K> {
  readonly known: K;
  readonly count: number;
  readonly error: string | undefined;
}

const NO_DUE_TIMES: readonly number[] = [];

export class GroupCommit<K> {
  readonly #options: GroupCommitOptions<K>;
  readonly #journal: Journal;
  #waiting: Waiting<K>[] = [];
  /** Queues to sync themselves. */
  readonly #direct = new Map<K, CommitQueue>();
  /** Queues with staged records. */
  readonly #staged = new Map<K, CommitQueue>();
  /** Queues with entries that are not void, by name. */
  readonly #live = new Map<string, K>();
  #outcomes: CommitOutcome<K>[] = [];
  /** The last error of the journal. */
  #failure: unknown;
  /** Whether it was logged. */
  #hasToldOfFailure = false;

  constructor(options: GroupCommitOptions<K>) {
    this.#options = options;
    this.#journal = new Journal(options);
  }

  /** Whether somebody waits for a commit. */
  get isDue(): boolean {
    return this.#waiting.length > 0;
  }

  /** Queues for which the journal waits: they must be synced soon. */
  get blocking(): K[] {
    return this.#journal.blocking.flatMap((name) => this.#live.get(name) ?? []);
  }

  /**
   * Appends records to a queue; `isWaited`: they count towards the outcome of the next commit. Errors: throws, and
   * nothing is kept. Units: `nowMs` in ms, monotonic.
   */
  append(
    known: K,
    queue: CommitQueue,
    records: AppendedRecords,
    isWaited: boolean,
    nowMs: number,
  ): void {
    const { bytes, start, end, count, dueTimes } = records;
    const name = this.#options.nameOf(known);
    const isForJournal =
      !queue.safety.hasLooseRecords &&
      (isWaited || this.#journal.isLive(name)) &&
      this.#prepare(entryBytes(Buffer.byteLength(name), end - start, dueTimes?.length ?? 0), nowMs);
    const safekeeping = isForJournal ? 'journal' : 'next sync';
    const runs = queue.append(bytes, start, end, count, dueTimes, safekeeping);
    if (isForJournal) this.#stage(known, queue, name, records, runs);
    else if (isWaited) this.#direct.set(known, queue);
    if (isWaited) this.#wait(known, queue);
  }

  /** Makes all waiting appends durable, as far as that succeeds. */
  commit(): void {
    if (this.#journal.stagedBytes > 0) this.#writeJournal();
    this.#syncNames();
    const errors = this.#syncDirect();
    for (const { known, count } of this.#waiting) {
      this.#outcomes.push({ known, count, error: errors.get(known) });
    }
    this.#waiting = [];
  }

  /** The outcomes of waiting appends, in their order. */
  takeOutcomes(): readonly CommitOutcome<K>[] {
    const outcomes = this.#outcomes;
    this.#outcomes = [];
    return outcomes;
  }

  /** All records of the queue are durable. */
  onSynced(known: K): void {
    const name = this.#options.nameOf(known);
    this.#journal.onSynced(name);
    this.#live.delete(name);
  }

  /** The queue's files are about to be removed. Errors: throws, and they must stay. */
  drop(known: K, queue: CommitQueue, nowMs: number): void {
    if (this.#waiting.length > 0) this.commit();
    this.#staged.delete(known);
    // The journal does not wait for a queue that is about to be removed, whether it can be synced or not.
    this.onSynced(known);
    // If the files stay after all, the journal has none of their records.
    queue.safety.loosen();
    this.#makeVoid(this.#options.nameOf(known), nowMs);
  }

  /** Removes the journal when all queues are synced and closed. Errors: logged; remaining entries are void. */
  end(): void {
    try {
      this.#journal.remove();
    } catch (error) {
      this.#logFailure(error);
    }
  }

  /** Makes the entries of a queue void: with another entry, or by dropping the whole journal if it has failed. */
  #makeVoid(name: string, nowMs: number): void {
    const journal = this.#journal;
    if (!journal.isTouched(name)) return;
    if (this.#prepare(entryBytes(Buffer.byteLength(name), 0, 0), nowMs)) {
      journal.stageDrop(name);
      this.#writeJournal();
      if (!journal.hasFailed) return;
    }
    if (journal.hasFailed) {
      for (const other of this.blocking) this.#options.syncQueue(other);
      if (journal.blocking.length === 0) journal.remove();
    }
    if (!journal.isTouched(name)) return;
    throw new Error(`drop "${name}" from the journal`, { cause: this.#failure });
  }

  #wait(known: K, queue: CommitQueue): void {
    const last = this.#waiting.at(-1);
    if (last?.known === known) last.count++;
    else this.#waiting.push({ known, queue, count: 1 });
  }

  #stage(
    known: K,
    queue: CommitQueue,
    name: string,
    { bytes, dueTimes }: AppendedRecords,
    runs: readonly WrittenRun[],
  ): void {
    // A full segment was synced before the next one was begun, but its states were not.
    const last = runs[runs.length - 1];
    if (runs.length > 1 && dueTimes !== undefined) {
      queue.safety.loosen();
      this.#direct.set(known, queue);
      return;
    }
    this.#journal.stage(name, {
      ...{ segment: last.segment, position: last.position },
      ...{ source: bytes, start: last.start, end: last.end },
      dueTimes: dueTimes ?? NO_DUE_TIMES,
    });
    this.#staged.set(known, queue);
    this.#live.set(name, known);
  }

  /** Returns whether an entry of this many bytes may be staged now. */
  #prepare(bytes: number, nowMs: number): boolean {
    const journal = this.#journal;
    if (journal.hasRoom(bytes)) return true;
    if (journal.stagedBytes > 0) this.commit();
    if (journal.hasRoom(bytes)) return true;
    if (!journal.mayHaveRoom(bytes)) return false;
    for (const known of this.blocking) this.#options.syncQueue(known);
    if (journal.blocking.length > 0) return false;
    try {
      if (!journal.advance(nowMs)) return false;
    } catch (error) {
      this.#logFailure(error);
      return false;
    }
    this.#hasToldOfFailure = false;
    return journal.hasRoom(bytes);
  }

  #writeJournal(): void {
    try {
      this.#journal.write();
    } catch (error) {
      this.#logFailure(error);
      for (const [known, queue] of this.#staged) {
        queue.safety.loosen();
        this.#direct.set(known, queue);
      }
    }
    this.#staged.clear();
  }

  /** Makes the names of new segments durable, those of all queues with one call. */
  #syncNames(): void {
    const news = new Set<CommitQueue>();
    for (const { queue } of this.#waiting) if (queue.safety.hasNewNames) news.add(queue);
    if (news.size === 0) return;
    const { fileSystem, dataPath } = this.#options;
    try {
      fileSystem.syncDirectory(dataPath);
      for (const { safety } of news) safety.onNamesSynced();
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      // Each queue then syncs it and gets the error.
      for (const { known, queue } of this.#waiting)
        if (news.has(queue)) this.#direct.set(known, queue);
    }
  }

  /** Syncs queues individually. Returns the errors of those that failed. */
  #syncDirect(): Map<K, string> {
    const errors = new Map<K, string>();
    for (const [known, queue] of this.#direct) {
      try {
        queue.safety.syncRecords();
      } catch (error) {
        if (error instanceof AssertionError) throw error;
        errors.set(known, errorWithCauses(error));
        this.#options.onSyncFailed(known, errorWithCauses(error));
      }
    }
    this.#direct.clear();
    return errors;
  }

  #logFailure(cause: unknown): void {
    if (cause instanceof AssertionError) throw cause;
    this.#failure = cause;
    const text = errorWithCauses(fileError('use journal', this.#options.dataPath, cause));
    if (!this.#hasToldOfFailure) {
      this.#options.log(LOG_WARNING, `${text}; queues are synced one by one meanwhile`);
    }
    this.#hasToldOfFailure = true;
  }
}
