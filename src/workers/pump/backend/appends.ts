/**
 * Messages on their way into one disk queue. They wait in a lane, are sent, and leave when the disk thread answers.
 * After a failed write, accepted messages return to their lane and are retried; messages whose publisher still waits
 * are refused.
 *
 * Bound: `TopicBacklog`.
 * Thread: pump.
 */

import { assert } from '../../../shared/assert.ts';
import { MemoryQueue } from '../store/memory-queue.ts';
import type { MessageStore } from '../store/message-store.ts';
import {
  AppendLane,
  type AppendPart,
  isSynced,
  type PendingCommits,
  type Receipt,
  settleParts,
  visitRuns,
} from './append-lane.ts';
import type { DiskRequests } from './disk-requests.ts';
import type { TopicBacklog } from './write-backlog.ts';

/** Delay after a failed write before accepted messages are written again. */
const RETRY_MS = 1000;

/** A write that the disk thread has not answered. `cost`: see `TopicBacklog`. */
type SentAppend = {
  lane: AppendLane;
  count: number;
  parts: AppendPart[];
  cost: number;
  /** Whether COMMITTED follows its answer, if that is no error. */
  isSynced: boolean;
};

export class Appends {
  /** Bytes of all of them as disk records. */
  bytes = 0;
  /** How many of them have a due time. */
  deferredCount = 0;
  /** Writes that were ever sent. */
  sentCount = 0;

  readonly #store: MessageStore;
  readonly #backlog: TopicBacklog;
  readonly #commits: PendingCommits;
  /** The part of `bytes` that counts in the backlog. */
  #backlogBytes = 0;
  /** Accepted messages, and messages whose publishers wait for an answer. */
  readonly #kept = new AppendLane(false);
  readonly #refusable = new AppendLane(true);
  /** Messages of the writes in `#sent`, in the same order. */
  readonly #sentRuns = new MemoryQueue();
  readonly #sent: SentAppend[] = [];
  /** When kept messages may be retried; 0 unless the last write failed. */
  #retryMs = 0;
  /** Messages that have left. Only then do others get another number in `visitFrom`. */
  #leftCount = 0;
  /** Messages up to this number are being dropped: those that were sent when all were. */
  #droppedTo = 0;

  constructor(store: MessageStore, backlog: TopicBacklog, commits: PendingCommits) {
    this.#store = store;
    this.#backlog = backlog;
    this.#commits = commits;
  }

  /** Messages that are not known to be written. */
  get count(): number {
    return this.#kept.runs.count + this.#refusable.runs.count + this.#sentRuns.count;
  }

  get hasSent(): boolean {
    return this.#sent.length > 0;
  }

  /** Whether messages wait only for the topic's turn to write. */
  get waitsForTurn(): boolean {
    if (this.#backlog.mayWrite) return false;
    return this.#refusable.runs.count > 0 || (this.#kept.runs.count > 0 && this.#retryMs === 0);
  }

  /** When messages of a failed write are retried; Infinity if there are none. */
  get retryMs(): number {
    return this.#kept.runs.count > 0 ? this.#retryMs : Number.POSITIVE_INFINITY;
  }

  put(
    position: number,
    count: number,
    attempts: number,
    dueMs: number,
    receipt: Receipt | null,
  ): void {
    const lane = receipt?.isRefusable === true ? this.#refusable : this.#kept;
    receipt?.expect(count);
    const bytes = this.#store.runBytes(position, count);
    this.#count(bytes);
    // Messages that wait because writes fail must not delay other topics.
    if (this.#retryMs === 0) this.#countBacklog(bytes);
    if (dueMs > 0) this.deferredCount += count;
    lane.put(position, count, attempts, dueMs, receipt);
  }

  /** Sends what the topic may send now. Returns false when the ring is full. */
  send(requests: DiskRequests, nowMs: number): boolean {
    if (!this.#sendLane(this.#refusable, requests)) return false;
    return nowMs < this.#retryMs || this.#sendLane(this.#kept, requests);
  }

  /**
   * Handles the answer to the oldest write. After an error its accepted messages wait again, unless they have been
   * dropped meanwhile (`isDropped`).
   */
  onAnswer(error: string | null, isDropped: boolean, nowMs: number): void {
    const sent = this.#sent.shift();
    assert(sent !== undefined, 'an answer belongs to a write');
    this.#backlog.onAnswered(sent.cost);
    this.#retryMs = error === null ? 0 : nowMs + RETRY_MS;
    if (error !== null) this.#countBacklog(-this.#backlogBytes);
    if (error === null || sent.lane.isRefusable || isDropped) this.#settle(sent, error);
    else this.#putBack(sent);
  }

  /**
   * From now on writes waiting messages without due times, which need a state file. Returns how many messages had
   * one.
   */
  forgetDueTimes(): number {
    const count = this.#kept.forgetDueTimes();
    this.deferredCount -= count;
    return count;
  }

  /** As `Backend.visitLeaving`. */
  visitFrom(
    from: number,
    visit: (position: number, attempts: number, dueMs: number) => boolean,
  ): number {
    const sentParts = this.#sent.flatMap(({ parts }) => parts);
    let first = this.#leftCount;
    for (const [runs, parts] of [
      [this.#sentRuns, sentParts],
      [this.#refusable.runs, this.#refusable.parts],
      [this.#kept.runs, this.#kept.parts],
    ] as const) {
      const next = visitRuns(runs, parts, first, Math.max(from, this.#droppedTo), visit);
      if (next >= 0) return next;
      first += runs.count;
    }
    return -1;
  }

  /** Drops unsent messages and settles their receipts. */
  drop(): void {
    this.#droppedTo = this.#leftCount + this.#sentRuns.count;
    this.#dropLane(this.#kept);
    this.#dropLane(this.#refusable);
  }

  #sendLane(lane: AppendLane, requests: DiskRequests): boolean {
    while (lane.runs.count > 0 && this.#backlog.mayWrite) {
      const parts = requests.append(lane, this.#sentRuns);
      if (parts === null) return false;
      this.sentCount++;
      const count = parts.reduce((sum, part) => sum + part.count, 0);
      const cost = this.#backlog.onSent(requests.appendedBytes);
      this.#sent.push({ lane, count, parts, cost, isSynced: parts.some(isSynced) });
    }
    return true;
  }

  #settle(sent: SentAppend, error: string | null): void {
    this.#leftCount += sent.count;
    this.#forSentRuns(sent.count, (position, count) => {
      this.#count(-this.#store.runBytes(position, count));
      this.#store.release(position, count);
    });
    this.#forgetDeferred(sent.parts);
    if (sent.isSynced && error === null) this.#commits.expect(sent.parts);
    // Accepted messages that are settled in spite of an error were dropped.
    else settleParts(sent.parts, sent.lane.isRefusable ? error : null);
  }

  #forgetDeferred(parts: readonly AppendPart[]): void {
    for (const { count, dueMs } of parts) if (dueMs > 0) this.deferredCount -= count;
  }

  #putBack(sent: SentAppend): void {
    this.#leftCount += sent.count;
    for (const { receipt, count, dueMs } of sent.parts) {
      this.#forSentRuns(count, (position, taken, attempts) => {
        sent.lane.put(position, taken, attempts, dueMs, receipt);
      });
    }
  }

  #forSentRuns(
    count: number,
    visit: (position: number, count: number, attempts: number) => void,
  ): void {
    let rest = count;
    while (rest > 0) {
      const taken = Math.min(rest, this.#sentRuns.runCount);
      const { position, tag } = this.#sentRuns;
      this.#sentRuns.take(taken);
      visit(position, taken, tag);
      rest -= taken;
    }
  }

  #count(bytes: number): void {
    this.bytes += bytes;
    this.#store.shares.leavingBytes += bytes;
    if (bytes < 0) this.#countBacklog(-Math.min(-bytes, this.#backlogBytes));
  }

  #countBacklog(bytes: number): void {
    this.#backlogBytes += bytes;
    if (bytes > 0) this.#backlog.add(bytes);
    else if (bytes < 0) this.#backlog.remove(-bytes);
  }

  #dropLane(lane: AppendLane): void {
    const { runs } = lane;
    const parts = lane.takeParts(runs.count);
    while (runs.runCount > 0) {
      this.#count(-this.#store.runBytes(runs.position, runs.runCount));
      this.#store.release(runs.position, runs.runCount);
      runs.take(runs.runCount);
    }
    this.#forgetDeferred(parts);
    settleParts(parts, null);
  }
}
