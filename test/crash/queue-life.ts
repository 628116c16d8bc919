/**
 * A disk queue from its first opening, through crashes, to its end, and the record of its operations. Every operation
 * leaves the disks that a crash at each of its file calls would have left.
 *
 * Thread: any.
 */

import assert, { AssertionError } from 'node:assert/strict';
import type { DiskQueue } from '../../src/workers/disk/disk-queue.ts';
import { SharedSyncs } from '../../src/workers/disk/files/shared-syncs.ts';
import { GroupCommit } from '../../src/workers/disk/journal/group-commit.ts';
import { diskRecord } from '../support/disk-files.ts';
import { DATA_PATH, type DiskQueueLimits, openQueue } from '../support/disk-queue-setup.ts';
import { FaultInjector } from '../support/fault-injector.ts';
import type { Chooser } from '../support/memory-file.ts';
import type { FileCall, MemoryFileSystem } from '../support/memory-file-system.ts';
import { findAsNsqd, findRecords, QUEUE_NAME, readFound, recover } from './found-records.ts';
import { type CrashKind, type FoundRecord, RecordBook, type RecordState } from './record-book.ts';

/** A record to be appended. */
export interface NewRecord {
  readonly bodyBytes: number;
  readonly dueMs: number;
}

/** How durable an append must be when it returns. */
export type Durability = 'written' | 'durable';

/** So small that some records fill a file, and some fit none. */
const JOURNAL_BOUNDS = { fileBytesMax: 5632, growBytes: 2048 };
/** Time that passes with each durable append: a journal that has failed is tried again after some. */
const STEP_MS = 300;

/** Calls that change nothing: a crash before one equals a crash after the previous call. */
const READING: readonly FileCall[] = [
  'openForReading',
  'openForWriting',
  'read',
  'close',
  'isLinked',
  'size',
  'list',
];

/** A point at which an operation may be interrupted, and what may then be found. */
export interface CrashPoints {
  readonly disks: readonly MemoryFileSystem[];
  readonly book: RecordBook;
  /** Syncs of files that had failed when the queue had been synced last before. */
  readonly failedSyncs: number;
}

/** Records that were handed out, by the numbers that the queue has given them. */
interface UnackedRecord {
  readonly place: number;
  readonly number: number;
}

export class QueueLife {
  /** Whether operations leave their crash points. */
  isWatched = false;
  /** The crash points of the last operation. */
  points: CrashPoints[] = [];
  /** How often the queue was opened after a crash. */
  crashCount = 0;
  /** How often it doubted after a power loss where it begins. */
  readAgainCount = 0;

  readonly limits: DiskQueueLimits;
  #book = new RecordBook();
  #disk: MemoryFileSystem;
  /** The disk as a process uses it; each operation is one of its turns. */
  #shared: SharedSyncs;
  #faults: FaultInjector;
  #queue: DiskQueue;
  #commits: GroupCommit<string>;
  #nowMs = 0;
  #log: string[];
  /** Syncs of files that had failed when the queue was synced last. */
  #failedSyncs = 0;
  #hasLostPower = false;
  /** While an operation is watched: the disks that a crash at its calls leaves. */
  #crashDisks: MemoryFileSystem[] | undefined;
  #nextNumber = 1;
  #nextPlace = 0;
  /** As they must be handed out. */
  #unread: FoundRecord[] = [];
  #unacked: UnackedRecord[] = [];

  constructor(disk: MemoryFileSystem, limits: DiskQueueLimits) {
    this.limits = limits;
    this.#disk = disk;
    this.#shared = new SharedSyncs(disk);
    this.#faults = this.#injectFaults(disk);
    ({ queue: this.#queue, log: this.#log } = openQueue(this.#shared, QUEUE_NAME, limits));
    this.#commits = this.#newCommits();
  }

  get disk(): MemoryFileSystem {
    return this.#disk;
  }

  /** Makes calls of the disk fail. */
  get faults(): FaultInjector {
    return this.#faults;
  }

  get log(): readonly string[] {
    return this.#log;
  }

  get unreadCount(): number {
    return this.#unread.length;
  }

  get unackedCount(): number {
    return this.#unacked.length;
  }

  get mustSync(): boolean {
    return this.#queue.mustSync;
  }

  /** A crash at this moment. */
  pointsNow(): CrashPoints {
    const disks = [this.#disk.afterKill()];
    return { disks, book: this.#book, failedSyncs: this.#failedSyncs };
  }

  /** Appends records. `durable`: they are so when this returns without an error. */
  put(records: readonly NewRecord[], durability: Durability = 'written'): Error | undefined {
    this.#begin();
    this.#nowMs += STEP_MS;
    // The append may sync the queue.
    if (this.#commits.blocking.length > 0) this.#book.beginSync();
    const found = records.map(({ bodyBytes, dueMs }) => {
      const number = this.#nextNumber++;
      return { number, body: `${number}`.padEnd(bodyBytes, '-'), attempts: number, dueMs };
    });
    for (const { number, body, ...state } of found) this.#book.beginAppend(number, body, state);
    const bytes = Buffer.concat(found.map(({ number, body }) => diskRecord(number, body)));
    const dueTimes = records.map(({ dueMs }) => dueMs);
    const due = dueTimes.some((dueMs) => dueMs > 0) ? dueTimes : undefined;
    const appended = { bytes, start: 0, end: bytes.length, count: records.length, dueTimes: due };
    const isWaited = durability === 'durable';
    const error = this.#attempt(() =>
      this.#commits.append(QUEUE_NAME, this.#queue, appended, isWaited, this.#nowMs),
    );
    for (const { number } of found) this.#book.endAppend(number, error === undefined);
    if (error === undefined) this.#unread.push(...found);
    return error === undefined && isWaited ? this.#commit(found) : error;
  }

  /** Reads a batch, and compares it with the expected records. */
  read(bytesWanted: number): Error | undefined {
    this.#begin();
    return this.#attempt(() => {
      const batch = readFound(this.#queue, bytesWanted);
      if (batch === undefined) {
        assert.deepStrictEqual(this.#unread, [], 'all are read before there are none');
        return;
      }
      assert.strictEqual(batch.first, this.#nextPlace, 'records are numbered in a row');
      for (const record of batch.records) {
        assert.deepStrictEqual(record, this.#unread.shift());
        this.#unacked.push({ place: this.#nextPlace++, number: record.number });
      }
    });
  }

  /** Finishes this many unacked records, from that index on. */
  finish(index: number, count: number): Error | undefined {
    this.#begin();
    const records = this.#unacked.splice(index, count);
    for (const { number } of records) this.#book.beginFinish(number);
    const error = this.#attempt(() => {
      let start = 0;
      for (let end = 1; end <= records.length; end++) {
        if (records.at(end)?.place === records[end - 1].place + 1) continue;
        this.#queue.finish(records[start].place, end - start);
        start = end;
      }
    });
    if (error === undefined) for (const { number } of records) this.#book.endFinish(number);
    return error;
  }

  /** Changes the attempts and the due time of a record that is handed out. */
  update(index: number, state: RecordState): Error | undefined {
    this.#begin();
    const { place, number } = this.#unacked[index];
    this.#book.beginUpdate(number, state);
    const failedCount = this.#faults.failedCount;
    const error = this.#attempt(() => this.#queue.update(place, state.attempts, state.dueMs));
    // Nobody waits for an update, so its failure is only logged.
    this.#book.endUpdate(number, this.#faults.failedCount === failedCount);
    return error;
  }

  sync(): Error | undefined {
    this.#begin();
    this.#book.beginSync();
    const error = this.#attempt(() => {
      this.#queue.sync();
      this.#commits.onSynced(QUEUE_NAME);
    });
    if (error === undefined) this.#onSynced();
    return error;
  }

  /** Drops all records. After an error it must be repeated before anything else. */
  empty(): Error | undefined {
    this.#begin();
    this.#book.beginDrop();
    const error = this.#attempt(() => {
      this.#commits.drop(QUEUE_NAME, this.#queue, this.#nowMs);
      this.#queue.empty();
    });
    if (error === undefined) this.#dropped();
    return error;
  }

  /** Closes the queue and opens it again. */
  reopen(): Error | undefined {
    this.#begin();
    const { isUnsynced } = this.#queue;
    this.#book.beginSync();
    const error = this.#attempt(() => {
      this.#queue.close();
      this.#commits.onSynced(QUEUE_NAME);
      this.#commits.end();
    });
    if (error === undefined && isUnsynced) this.#onSynced();
    else if (error === undefined) this.#book.endQuietClose();
    // An error of the sync leaves what a kill does.
    const openError = this.#open('kill');
    return error ?? openError;
  }

  /** Removes the queue and starts a new one. After an error it is empty, or to be removed again. */
  delete(): Error | undefined {
    this.#begin();
    this.#book.beginDrop();
    const error = this.#attempt(() => {
      this.#commits.drop(QUEUE_NAME, this.#queue, this.#nowMs);
      this.#queue.delete();
    });
    if (error === undefined) this.#dropped();
    const openError = this.#open('kill', 'same process');
    return error ?? openError;
  }

  /** The process ends now, and another one opens the queue on the remaining disk. */
  crash(kind: CrashKind, choose: Chooser): void {
    this.crashAt(kind, choose, this.pointsNow(), 0);
  }

  /** As `crash`, within the last operation: at the crash point with this index. */
  crashAt(kind: CrashKind, choose: Chooser, points: CrashPoints, index: number): void {
    const { disks, book, failedSyncs } = points;
    this.crashCount++;
    this.#begin();
    if (kind === 'power loss') this.#hasLostPower = true;
    this.#disk = kind === 'kill' ? disks[index] : disks[index].afterPowerLoss(choose);
    this.#book = book;
    if (this.#faults.failedSyncCount > failedSyncs) book.doubtStates();
    this.#failedSyncs = 0;
    this.#faults = this.#injectFaults(this.#disk);
    assert.strictEqual(this.#open(kind), undefined, 'a disk without faults is opened');
  }

  /** Another operation begins. */
  #begin(): void {
    this.points = [];
    this.#shared.beginTurn();
  }

  /** Returns why the records are not durable, if they are not. */
  #commit(records: readonly FoundRecord[]): Error | undefined {
    this.#attempt(() => this.#commits.commit());
    const outcome = this.#commits.takeOutcomes().at(-1);
    assert.ok(outcome !== undefined, 'an append that waits has an outcome');
    if (outcome.error !== undefined) return new Error(outcome.error);
    for (const { number } of records) this.#book.endCommit(number);
    return undefined;
  }

  #newCommits(): GroupCommit<string> {
    return new GroupCommit<string>({
      fileSystem: this.#shared,
      dataPath: DATA_PATH,
      thread: 0,
      journalBounds: JOURNAL_BOUNDS,
      nameOf: (name) => name,
      syncQueue: () => this.#trySync(),
      onSyncFailed: () => undefined,
      log: () => undefined,
    });
  }

  /** Syncs the queue in the middle of an append. */
  #trySync(): void {
    try {
      this.#queue.sync();
    } catch (error) {
      if (!(error instanceof Error) || !isSystemError(error)) throw error;
      return;
    }
    this.#commits.onSynced(QUEUE_NAME);
    this.#onSynced();
  }

  #onSynced(): void {
    this.#book.endSync();
    this.#failedSyncs = this.#faults.failedSyncCount;
  }

  #dropped(): void {
    this.#book.endDrop();
    this.#unread = [];
    this.#unacked = [];
  }

  /** Opens the queue, and treats its contents as the records to be read. */
  #open(
    kind: CrashKind,
    process: 'same process' | 'new process' = 'new process',
  ): Error | undefined {
    const { records: found, isReadAgain } = findRecords(this.#disk.afterKill(), this.limits);
    if (isReadAgain && this.#hasLostPower) {
      this.readAgainCount++;
      this.#book.readAgain();
    }
    const expected = this.#book.expectations(kind);
    expected.check(found);
    // What a power loss has torn nsqd does not read past, and what was not synced then it need not know of.
    if (kind === 'kill' && !this.#hasLostPower) {
      expected.checkAmong(findAsNsqd(this.#disk.afterKill(), this.limits).records);
    }
    if (this.#faults.failedSyncCount > this.#failedSyncs) this.#book.doubtStates();
    this.#book.adopt(kind, found);
    this.#unread = [...found];
    this.#unacked = [];
    this.#nextPlace = 0;
    const open = (): void => {
      if (process === 'new process') {
        recover(this.#disk);
        this.#shared = new SharedSyncs(this.#disk);
        this.#commits = this.#newCommits();
      }
      const opened = openQueue(this.#shared, QUEUE_NAME, this.limits);
      this.#queue = opened.queue;
      this.#log = opened.log;
    };
    const error = this.#attempt(open);
    if (error === undefined) return undefined;
    // A queue that could not be opened is tried again; every fault ends.
    this.#faults.heal();
    assert.strictEqual(this.#attempt(open), undefined, 'a queue is opened once a fault is gone');
    return error;
  }

  #injectFaults(disk: MemoryFileSystem): FaultInjector {
    return new FaultInjector(disk, (call) => {
      if (!READING.includes(call)) this.#crashDisks?.push(disk.afterKill());
    });
  }

  /** Makes calls that may fail because of the disk; any other error is a bug. */
  #attempt(work: () => void): Error | undefined {
    const disks: MemoryFileSystem[] = [];
    if (this.isWatched) {
      const failedSyncs = this.#failedSyncs;
      this.points.push({ disks, book: this.#book.clone(), failedSyncs });
      this.#crashDisks = disks;
    }
    try {
      work();
      return undefined;
    } catch (error) {
      if (!(error instanceof Error) || !isSystemError(error)) throw error;
      return error;
    } finally {
      this.#crashDisks = undefined;
    }
  }
}

/** Whether an error or what caused it comes from the file system. */
function isSystemError(error: Error): boolean {
  if (error instanceof AssertionError) return false;
  if ('code' in error) return true;
  return error.cause instanceof Error && isSystemError(error.cause);
}
