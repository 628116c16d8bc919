/**
 * A pump's handle on a disk queue, whose files a disk thread owns.
 *
 * A message is in one of these places: on its way to the files (`Appends`); on disk and unread; fetched; taken, with
 * its record on disk until it is finished; or evicted, to be read again.
 *
 * Bound: `Appends` and `DiskReads`.
 * Thread: pump.
 */

import { assert } from '../../../shared/assert.ts';
import type { RingReader } from '../../../shared/ring/ring.ts';
import {
  ANSWER_WORDS,
  APPENDED,
  CLOSED,
  DELETED,
  EMPTIED,
  OPENED,
  RECORDS,
  RECORDS_WORDS,
  REREAD_DONE,
  SURVEYED,
  SYNCED,
  WRITABLE,
} from '../../disk-records.ts';
import type { MemoryQueue } from '../store/memory-queue.ts';
import type { MessageStore } from '../store/message-store.ts';
import { NO_RECORD } from '../store/slab.ts';
import type { Receipt } from './append-lane.ts';
import { Appends } from './appends.ts';
import type { Backend } from './backend.ts';
import { BackendEnd, BackendHealth } from './backend-state.ts';
import { BackendSurveys } from './backend-surveys.ts';
import { answerError } from './disk-answers.ts';
import type { DiskBackendListener } from './disk-backend-listener.ts';
import type { DiskLink, LinkedQueue } from './disk-link.ts';
import { DiskReads } from './disk-reads.ts';
import { DiskRequests, RecordOutcomes } from './disk-requests.ts';
import type { TopicBacklog } from './write-backlog.ts';

/** Delay before a failed CLOSE is sent again. */
const CLOSE_RETRY_MS = 1000;

/** The dependencies of a disk queue. */
export type DiskBackendOptions = {
  readonly name: string;
  readonly store: MessageStore;
  readonly link: DiskLink;
  /** Messages whose time is not later than this are due. Units: ms since 1970. */
  readonly unixMsDue: () => number;
  readonly listener: DiskBackendListener;
  /** The backlog of its topic. */
  readonly backlog: TopicBacklog;
};

/** How long the shutdown tries to write deferred messages with their due times; then it tries as long without. */
const DUE_TIMES_PATIENCE_MS = 15_000;

export class DiskBackend implements Backend, LinkedQueue {
  readonly isDurable = true;
  readonly replicated = null;
  readonly fetched: MemoryQueue;
  readonly surveys: BackendSurveys;

  readonly #name: string;
  readonly #store: MessageStore;
  readonly #link: DiskLink;
  readonly #listener: DiskBackendListener;
  readonly #number: number;
  readonly #requests: DiskRequests;

  readonly #health: BackendHealth;
  readonly #appends: Appends;
  readonly #backlog: TopicBacklog;
  readonly #outcomes = new RecordOutcomes();
  readonly #reads: DiskReads;
  #isOpenSent = false;
  #isOpen = false;
  #isDue = false;
  readonly #end: BackendEnd;
  /** When CLOSE may be sent again after a failure. */
  #closeMs = 0;
  /** The time since which writes have failed while the queue is closing; undefined if they do not fail. */
  #failingSinceMs: number | undefined;

  constructor(options: DiskBackendOptions) {
    const { name, store, link, unixMsDue, listener } = options;
    this.#name = name;
    this.#store = store;
    this.#link = link;
    this.#listener = listener;
    this.#number = link.add(this);
    this.#requests = new DiskRequests(link.requests, store, this.#number);
    this.#end = new BackendEnd(this.#requests);
    this.#health = new BackendHealth(listener.onHealth);
    this.#backlog = options.backlog;
    this.#appends = new Appends(store, options.backlog, link.commits);
    this.#reads = new DiskReads({
      store,
      requests: this.#requests,
      answer: link.records,
      unixMsDue,
      onDeferred: listener.onDeferred,
      onPastDue: listener.onPastDue,
      onLost: (number) => this.surveys.finishRecord(number),
    });
    this.fetched = this.#reads.fetched;
    this.surveys = new BackendSurveys({
      ...{ appends: this.#appends, reads: this.#reads, outcomes: this.#outcomes },
      setDue: () => this.#setDue(),
    });
    this.#setDue();
  }

  get depth(): number {
    return this.#appends.count - this.#appends.deferredCount + this.#reads.depth;
  }

  get deferredCount(): number {
    return this.#appends.deferredCount + this.#reads.unread.deferredCount;
  }

  get bytes(): number {
    return this.#appends.bytes + this.#reads.bytes;
  }

  get isSettled(): boolean {
    return (
      !this.#isDue &&
      this.#isOpen &&
      !this.#appends.hasSent &&
      !this.#appends.waitsForTurn &&
      !this.#reads.isSent &&
      !this.#end.isEmptying
    );
  }

  get isAccepting(): boolean {
    return !this.#end.isEnding && this.#health.isWell;
  }

  /** References to its messages in memory; for tests and the simulator. */
  get heldCount(): number {
    return this.#appends.count + this.fetched.count;
  }

  put(
    position: number,
    count: number,
    attempts: number,
    dueMs: number,
    receipt: Receipt | null,
  ): void {
    assert(!this.#end.isEnding, 'nothing is put to a queue that ends');
    this.#appends.put(position, count, attempts, dueMs, receipt);
    this.#setDue();
  }

  demand(): void {
    const reads = this.#reads;
    if (this.fetched.count > 0 || this.#end.isEnding || !reads.isIdle) return;
    if (!reads.hasReadable) {
      reads.isAwaited = true;
      return;
    }
    if (!this.#listener.mayRead()) {
      this.#listener.onStarved();
      return;
    }
    reads.want();
    this.#setDue();
  }

  take(count: number): void {
    this.#reads.take(count);
  }

  finish(position: number, count: number): void {
    for (let next = position; next < position + count; next++) {
      const number = this.#store.recordNumber(next);
      if (number !== NO_RECORD) this.surveys.finishRecord(number);
    }
  }

  update(position: number, attempts: number, dueMs: number): void {
    const number = this.#store.recordNumber(position);
    if (number !== NO_RECORD) this.surveys.updateRecord(number, attempts, dueMs);
  }

  reread(number: number): void {
    this.#reads.reread(number);
  }

  empty(done: (error: string | null) => void): void {
    this.#dropAll();
    this.#end.empty(done);
    this.#setDue();
  }

  close(done: (error: string | null) => void): void {
    // Unacked records stay on disk; only the copies in memory are dropped.
    this.#reads.dropFetched();
    this.#end.close(done);
    this.#stop();
  }

  delete(done: (error: string | null) => void): void {
    this.#dropAll();
    this.#end.delete(done);
    this.#stop();
  }

  flush(nowMs: number): boolean {
    const isDone = this.#sendAll(nowMs);
    this.#isDue = !isDone;
    if (!isDone) return false;
    if (this.#appends.waitsForTurn && !this.#end.isSent) this.#backlog.wait(this);
    const { retryMs } = this.#appends;
    if (retryMs < Number.POSITIVE_INFINITY) this.#link.retryAt(this, retryMs);
    const { sendableMs } = this.#reads;
    if (sendableMs !== undefined) this.#link.retryAt(this, sendableMs);
    if (nowMs < this.#closeMs) this.#link.retryAt(this, this.#closeMs);
    return true;
  }

  onMayWrite(): void {
    this.#setDue();
  }

  onAnswer(type: number, answers: RingReader, nowMs: number): void {
    const hasRecords = type === RECORDS || type === REREAD_DONE;
    const error = answerError(answers, hasRecords ? RECORDS_WORDS : ANSWER_WORDS);
    const emptied = type === EMPTIED ? this.#end.takeEmptying() : undefined;
    if (!this.#end.isEmptying) this.#reads.unread.update(answers);
    this.#handleAnswer(type, error, answers, nowMs);
    emptied?.(error);
    // A listing must not make the queue read more.
    if (type === SURVEYED && !this.surveys.hasWorked) return;
    if (this.#end.isEnding) return;
    // The owner takes messages for waiting consumers, or demands more.
    const { hasReadable, unread } = this.#reads;
    if (this.fetched.count > 0 || hasReadable) this.#listener.onReadable();
    if (unread.deferredCount > 0 && this.#listener.onDeferred !== null) this.#readDeferred();
  }

  #handleAnswer(type: number, error: string | null, answers: RingReader, nowMs: number): void {
    switch (type) {
      case OPENED:
        this.#isOpen = true;
        if (error !== null) this.#onUnreadable(error, nowMs);
        return;
      case APPENDED:
        this.#onAppended(error, nowMs);
        return;
      case RECORDS:
      case REREAD_DONE:
        this.#onRecords(type, error, answers, nowMs);
        return;
      case SURVEYED:
        this.surveys.onAnswer(error, this.#end.isEmptying, answers);
        return;
      case EMPTIED:
        return;
      case SYNCED:
        this.#health.set('sync', error);
        return;
      case WRITABLE:
        this.#health.set('write', null);
        return;
      case CLOSED:
      case DELETED:
        if (type === CLOSED && error !== null) {
          this.#onNotClosed(error, nowMs);
          return;
        }
        this.#link.remove(this.#number);
        this.#backlog.forget(this);
        this.#health.clear();
        this.#listener.onEnded();
        this.#end.finish(error);
        return;
      default:
        assert(false, 'a disk thread sends no other answers');
    }
  }

  /**
   * Reads deferred messages before a consumer waits for them, because their due times must be known; unless memory is
   * full.
   */
  #readDeferred(): void {
    if (this.#listener.hasRoom()) this.demand();
    else this.#listener.onStarved();
  }

  /**
   * Reads what is being written in the same turn of the disk thread if somebody waits for it. While memory is short,
   * it is read when its first copy has left memory. A queue that is not open yet may prove unreadable.
   */
  #readAppended(): void {
    if (!this.#isOpen || !this.#reads.isAwaited || !this.#reads.isIdle || this.fetched.count > 0)
      return;
    if (this.#end.isEnding || this.#store.shares.isShort || !this.#listener.mayRead()) return;
    this.#reads.want();
  }

  /** Schedules a flush at the end of this turn. */
  #setDue(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#link.setDue(this);
  }

  /** Stops reading, because it is closed or deleted: a READ that waits for its time would keep waking the loop. */
  #stop(): void {
    this.#reads.cancel();
    this.surveys.end();
    this.#setDue();
  }

  /** Writes all due requests, in the order in which they must take effect. */
  #sendAll(nowMs: number): boolean {
    // The disk thread no longer has this queue.
    if (this.#end.isSent) return true;
    if (!this.#isOpenSent) {
      if (!this.#requests.open(this.#name)) return false;
      this.#isOpenSent = true;
    }
    if (!this.#end.sendEmptyings()) return false;
    const appendedBefore = this.#appends.sentCount;
    if (!this.#appends.send(this.#requests, nowMs)) return false;
    if (this.#appends.sentCount > appendedBefore) this.#readAppended();
    if (!this.#outcomes.send(this.#requests)) return false;
    if (!this.#reads.send(nowMs) || !this.surveys.send(this.#requests)) return false;
    return nowMs < this.#closeMs || this.#end.send(this.#appends.count);
  }

  #onAppended(error: string | null, nowMs: number): void {
    this.#health.set('write', error);
    // A successful write implies that the queue is open.
    if (error === null) this.#health.set('read', null);
    // While EMPTY_QUEUE or DELETE is on its way, every write that is answered was sent before it.
    this.#appends.onAnswer(error, this.#end.dropsWrites, nowMs);
    if (this.#end.isClosing) this.#onAppendedAtEnd(error, nowMs);
    // Kept messages or the ending may have waited for this answer.
    if (this.#appends.count > 0 || this.#end.isEnding) this.#setDue();
  }

  /** After some time of failing writes, gives up due times rather than messages. */
  #onAppendedAtEnd(error: string | null, nowMs: number): void {
    this.#failingSinceMs = error === null ? undefined : (this.#failingSinceMs ?? nowMs);
    if (nowMs - (this.#failingSinceMs ?? nowMs) < DUE_TIMES_PATIENCE_MS) return;
    const count = this.#appends.forgetDueTimes();
    if (count === 0) return;
    this.#link.logError(
      `DISKQUEUE(${this.#name}): writing ${count} deferred messages without their times, ` +
        `which are due at once after the next start - ${error}`,
    );
  }

  #onRecords(type: number, error: string | null, answers: RingReader, nowMs: number): void {
    this.#reads.onAnswered();
    // Drops records that were read before the queue was emptied, or while it ends.
    if (this.#end.isEmptying || this.#end.isEnding) return;
    if (error !== null) {
      this.#onUnreadable(error, nowMs);
      return;
    }
    this.#health.set('read', null);
    if (type === REREAD_DONE) this.#reads.onReread(answers);
    else this.#reads.onRecords(answers);
  }

  #onUnreadable(error: string, nowMs: number): void {
    this.#health.set('read', error);
    if (this.#end.isEnding) return;
    this.#reads.onFailed(nowMs);
    this.#setDue();
  }

  /** CLOSE is retried as long as the broker waits for it. */
  #onNotClosed(error: string, nowMs: number): void {
    this.#health.set('sync', error);
    this.#end.isSent = false;
    this.#closeMs = nowMs + CLOSE_RETRY_MS;
    this.#setDue();
  }

  #dropAll(): void {
    this.#reads.clear();
    this.#appends.drop();
    this.#outcomes.clear();
  }
}
