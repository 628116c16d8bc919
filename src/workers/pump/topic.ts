/**
 * A topic assigns ids to published messages and passes every message to every channel. Messages wait in its own queue
 * while it has no channel, is paused, or is not started.
 *
 * Seams: the simulator replaces `publish`, `unpublish`, `empty` and `close` of an instance.
 * Thread: pump. Source: nsqd `topic.go`.
 */

import { assert } from '../../shared/assert.ts';
import { newTopicTallies } from '../../shared/control.ts';
import { SIZE_BYTES } from '../../shared/limits.ts';
import type { MessageIdFactory } from '../../shared/message-id.ts';
import type { Replication, TopicPolicy } from '../../shared/topic-policy.ts';
import type { Receipt } from './backend/append-lane.ts';
import { HAS_DUE_TIME } from './backend/disk-backend-listener.ts';
import type { TopicBacklog } from './backend/write-backlog.ts';
import type { Channel } from './channel.ts';
import type { DeadLetters } from './dead-letters.ts';
import { type Deduplication, deduplicationOf } from './deduplication/deduplication.ts';
import { dueMsLeft, type FannedOutRun, FanOut, type FanOutBudget } from './fan-out.ts';
import { MessageQueue } from './message-queue.ts';
import { AgeWatch } from './queue-timers.ts';
import type { MessageStore } from './store/message-store.ts';
import { topicRefusal } from './topic-bound.ts';
import type { PublishedMessages, TopicOptions } from './topic-options.ts';
import { TopicTransfers } from './topic-transfers.ts';
import type { Undelivered } from './undelivered.ts';
import { tagIsDelay } from './waiting-memory.ts';
import type { WallClock } from './wall-clock.ts';

export class Topic {
  readonly number: number;
  readonly name: string;
  readonly queue: MessageQueue;
  /**
   * How the store of replicated topics keeps the messages, from which the channels fetch them; null for a local topic.
   */
  readonly replication: Replication | null;
  /** What the topic and its channels have on their way to the disk. */
  readonly backlog: TopicBacklog;
  isPaused: boolean;
  /** False until the channels from before a restart exist again. */
  isStarted: boolean;
  /** Whether it is in the list of topics to drain. */
  isActive = false;
  /** Drops messages that were published before, if the policy says so. */
  deduplication: Deduplication | null = null;
  /** Whether its publishers wait for stable storage; a store in any case answers only when it has stored a message. */
  isSynced = false;
  messageCount = 0;
  readonly tallies = newTopicTallies();
  /** Handles messages that are not delivered. */
  readonly undelivered: Undelivered;
  readonly transfers: TopicTransfers;

  readonly #ages: AgeWatch;
  readonly #deadLetters: DeadLetters;
  readonly #store: MessageStore;
  readonly #ids: MessageIdFactory;
  readonly #wallClock: WallClock;
  readonly #budget: FanOutBudget;
  readonly #onWaiting: () => void;
  readonly #channels = new Map<number, Channel>();
  #lastChannel = 0;
  /** The run that is being handed over: some channels have it, others do not. */
  #fanOut: FanOut | null = null;
  #hasExpiredFront = false;
  /** The callback of `close`, until the backend is told to close. */
  #onClosed: ((error: string | null) => void) | null = null;

  constructor(options: TopicOptions) {
    this.number = options.number;
    this.name = options.name;
    this.isPaused = options.isPaused;
    this.isStarted = options.isStarted;
    this.backlog = options.backlog;
    this.replication = options.replication;
    this.queue = new MessageQueue({
      ...options,
      tagMeaning: tagIsDelay(options.wallClock),
    });
    this.undelivered = options.undelivered;
    this.#ages = new AgeWatch(this.queue, options.wallClock, options.timers);
    // Afterwards there may be free memory.
    this.transfers = new TopicTransfers(this.queue, options.store, () => {
      if (this.isFlowing) this.queue.backend.demand();
      this.#closeWhenReleased();
    });
    this.#deadLetters = options.deadLetters;
    this.#store = options.store;
    this.#ids = options.ids;
    this.#wallClock = options.wallClock;
    this.#budget = options.budget;
    this.#onWaiting = options.onWaiting;
    this.setPolicy(options.policy);
  }

  /** Applies a policy, except the bounds of the queue. */
  setPolicy(policy: TopicPolicy): void {
    this.isSynced = policy.acknowledge === 'fsync' && this.replication === null;
    this.undelivered.setPolicy(policy);
    this.deduplication = deduplicationOf(policy, this.deduplication, this.#wallClock);
    this.queue.setTtl(policy.messageTtlMs, this.#wallClock);
    this.#ages.look();
  }

  /** Messages can be taken from the files. */
  onReadable(): void {
    this.queue.trim();
    this.#ages.look();
  }

  /** By number, in the order in which they were created. */
  get channels(): ReadonlyMap<number, Channel> {
    return this.#channels;
  }

  /** Adds a channel. Numbers only increase. */
  addChannel(number: number, channel: Channel): void {
    this.#channels.set(number, channel);
    this.#lastChannel = number;
  }

  removeChannel(number: number): void {
    this.#channels.delete(number);
  }

  /** Messages that some channels have and others do not yet, except those counted as transfers. */
  get handedCount(): number {
    const run = this.#fanOut?.run;
    return run === undefined || run.transfer !== null ? 0 : run.count;
  }

  /** Whether messages are on their way to some of the channels. */
  get isHandingOver(): boolean {
    return this.#fanOut !== null;
  }

  /** Whether `drain` has stopped for this turn only. */
  get isInterrupted(): boolean {
    if (this.#fanOut !== null) return !this.backlog.isHeld;
    if (!this.isFlowing || this.queue.depth + this.queue.backend.deferredCount === 0) return false;
    return !this.#mayBegin || this.#hasExpiredFront;
  }

  /** Whether more may be read from the files now. */
  get mayRead(): boolean {
    return this.queue.hasRoom || (this.transfers.count === 0 && this.queue.memoryCount === 0);
  }

  /** Messages that wait here, including deferred ones and dead letters. */
  get depth(): number {
    const { depth, backend } = this.queue;
    return depth + backend.deferredCount + this.undelivered.leavingCount;
  }

  /** Whether messages go from here to the channels; those of a replicated topic come from the store. */
  get isFlowing(): boolean {
    return this.isStarted && !this.isPaused && this.channels.size > 0 && this.replication === null;
  }

  /** Why this many more messages exceed a bound; null if they do not. Units: `bytes` with headers and size fields. */
  refusalOf(count: number, bytes: number): string | null {
    const onTheWay = this.#fanOut?.onTheWay(this.#store) ?? null;
    return topicRefusal(this, this.#channels.values(), onTheWay, count, bytes);
  }

  /** Accepts published messages. The receipt, if any, waits for those that go to disk. */
  publish(publication: PublishedMessages, nowMs: number, receipt: Receipt | null): void {
    const { bytes, deferMs, timestampHigh, timestampLow, isToDisk } = publication;
    const store = this.#store;
    const isKept = (isToDisk || this.replication !== null) && this.queue.backend.isDurable;
    let { at, count: rest } = publication;
    while (rest > 0) {
      const run = this.#ids.take(rest, timestampHigh, timestampLow);
      const { high, low } = this.#ids;
      let stored = 0;
      while (stored < run) {
        const isLasting = deferMs > 0;
        store.putBodies(
          bytes,
          at,
          run - stored,
          high,
          low + stored,
          timestampHigh,
          timestampLow,
          isLasting,
        );
        at += store.bytesTaken;
        stored += store.count;
        this.tallies.messageBytes += store.bytesTaken - SIZE_BYTES * store.count;
        this.messageCount += store.count;
        if (isKept) this.#routeToDisk(store.position, store.count, deferMs, receipt);
        else this.#route(store.position, store.count, deferMs, nowMs, receipt);
      }
      rest -= run;
    }
  }

  /** Removes publishes from the counts that were refused after all. */
  unpublish(count: number, bodyBytes: number): void {
    this.messageCount -= count;
    this.tallies.messageBytes -= bodyBytes;
  }

  /**
   * Passes up to `limit` waiting messages to the channels. Fewer means that no more can go now, unless it
   * `isInterrupted`. Returns the number of these messages plus the number of channels that a fan-out served.
   */
  drain(limit: number, nowMs: number): number {
    const { left } = this.#budget;
    const fanOut = this.#fanOut;
    if (fanOut !== null && left > 0 && !this.backlog.isHeld) this.#continue(fanOut, nowMs);
    let drained = left - this.#budget.left;
    while (drained < limit && this.#mayBegin && this.isFlowing && this.#look()) {
      const { position, tag, isFromBackend } = this.queue;
      const isDeferred = isFromBackend && tag === HAS_DUE_TIME;
      const count = isDeferred ? 1 : Math.min(this.queue.runCount, limit - drained);
      this.queue.take(count);
      if (!isFromBackend) this.#fanOutFromMemory(position, count, tag, nowMs, null);
      else
        this.#transfer(
          position,
          count,
          isDeferred ? this.#wallClock.notYet(this.#store.recordDueMs(position)) : 0,
          nowMs,
        );
      drained += count;
    }
    return drained;
  }

  /** Drops the messages that wait here. Messages of the channels stay. */
  empty(done: (error: string | null) => void): void {
    this.transfers.onEmptied();
    this.#deadLetters.drop(this.queue);
    this.queue.empty(done);
  }

  /** Drops everything, with the files. */
  delete(done: (error: string | null) => void): void {
    this.#ages.end();
    this.#deadLetters.drop(this.queue);
    this.queue.dropMemory();
    this.queue.backend.delete(done);
  }

  /**
   * Closes the topic and keeps everything that waits here. The files are closed after the channels have received what
   * was read from them, or those messages would exist twice after a restart.
   */
  close(done: (error: string | null) => void): void {
    assert(this.#fanOut === null, 'the channels have what they should before they close');
    this.isStarted = false;
    this.#ages.end();
    this.#deadLetters.giveBack(this.queue);
    this.queue.spill();
    this.#onClosed = done;
    this.#closeWhenReleased();
  }

  /** Completes the fan-out to all channels at once, with its due time, because they close. */
  finishFanOut(): void {
    while (this.#fanOut !== null) this.#continue(this.#fanOut, Number.NEGATIVE_INFINITY);
  }

  /** Drops the fan-out, because the channels are deleted. */
  dropFanOut(): void {
    if (this.#fanOut !== null) this.#end(this.#fanOut.run);
  }

  /** Finds the next run, as `MessageQueue.look` does, and removes expired messages. */
  #look(): boolean {
    this.#hasExpiredFront = this.queue.ages !== null && !this.queue.discardFront(0);
    return !this.#hasExpiredFront && this.queue.look();
  }

  /** Whether there are so many channels that a fan-out takes several steps. */
  get #hasMany(): boolean {
    return this.#channels.size > this.#budget.bounds.atOnce;
  }

  /** Whether another fan-out may begin in this turn. */
  get #mayBegin(): boolean {
    return this.#fanOut === null && (this.#budget.left > 0 || !this.#hasMany);
  }

  #route(
    position: number,
    count: number,
    deferMs: number,
    nowMs: number,
    receipt: Receipt | null,
  ): void {
    if (this.isFlowing && this.queue.memoryCount === 0 && this.#mayBegin) {
      this.#fanOutFromMemory(position, count, deferMs, nowMs, receipt);
      return;
    }
    const dueMs = deferMs === 0 ? 0 : this.#wallClock.unixAt(nowMs + deferMs);
    this.#ages.expect(position);
    this.queue.put(position, count, deferMs, 0, dueMs, receipt);
    if (this.isFlowing) this.#onWaiting();
  }

  /**
   * As `#route`, for messages that must be in files, or in the store. They go directly to the files of the channels if
   * nothing is before them: by way of the topic's files each message would be written and read twice.
   */
  #routeToDisk(position: number, count: number, deferMs: number, receipt: Receipt | null): void {
    const dueMs = deferMs === 0 ? 0 : this.#wallClock.unixAfter(deferMs);
    if (this.isFlowing && this.queue.depth === 0 && this.#mayBegin && !this.#hasMany) {
      this.#toFiles(position, count, dueMs, receipt);
      this.#store.release(position, count);
      return;
    }
    this.queue.putToBackend(position, count, 0, dueMs, receipt);
    if (this.isFlowing) this.#onWaiting();
  }

  /** Every channel gets the run; all except one need new references. */
  #fanOutFromMemory(
    position: number,
    count: number,
    deferMs: number,
    nowMs: number,
    receipt: Receipt | null,
  ): void {
    if (this.#hasMany) {
      receipt?.expect(1);
      const dueMs = deferMs === 0 ? 0 : nowMs + deferMs;
      this.#begin({ position, count, dueMs, transfer: null, receipt }, nowMs);
      return;
    }
    const { size } = this.#channels;
    if (size > 1) this.#store.retain(position, count, size - 1);
    for (const channel of this.#channels.values()) {
      if (deferMs > 0) channel.putDeferred(position, count, nowMs + deferMs, receipt);
      else channel.put(position, count, receipt);
    }
  }

  /** Starts a fan-out, which keeps the run's own reference until all channels have the run. */
  #begin(run: FannedOutRun, nowMs: number): void {
    this.#fanOut = new FanOut(run, this.#channels, this.#lastChannel);
    this.#continue(this.#fanOut, nowMs);
    if (this.#fanOut !== null) this.#onWaiting();
  }

  #continue(fanOut: FanOut, nowMs: number): void {
    const { run } = fanOut;
    const { position, count, transfer, receipt } = run;
    const dueMs = run.dueMs === 0 ? 0 : dueMsLeft(run, nowMs, this.#wallClock.unixMsDue());
    const isDone = fanOut.step(this.#budget, this.backlog, (channel) => {
      this.#store.retain(position, count, 1);
      if (transfer !== null) channel.putFromDisk(position, count, dueMs, transfer);
      else if (dueMs > 0) channel.putDeferred(position, count, dueMs, receipt);
      else channel.put(position, count, receipt);
    });
    if (isDone) this.#end(run);
  }

  #end({ position, count, transfer, receipt }: FannedOutRun): void {
    this.#fanOut = null;
    if (transfer !== null) transfer.seal();
    else this.#store.release(position, count);
    receipt?.settle(1, null);
  }

  /**
   * Transfers a run from the topic's files, where it stays until the files of all channels have it. Units: `dueMs`
   * Unix time in ms, 0 for at once.
   */
  #transfer(position: number, count: number, dueMs: number, nowMs: number): void {
    const receipt = this.transfers.begin(position, count, this.isSynced);
    if (this.#hasMany) {
      this.#begin({ position, count, dueMs, transfer: receipt, receipt: null }, nowMs);
      return;
    }
    this.#toFiles(position, count, dueMs, receipt);
    receipt.seal();
  }

  /** Every channel gets the run for its files, with a reference. Units: as `#transfer`. */
  #toFiles(position: number, count: number, dueMs: number, receipt: Receipt | null): void {
    this.#store.retain(position, count, this.#channels.size);
    for (const channel of this.#channels.values()) {
      channel.putFromDisk(position, count, dueMs, receipt);
    }
  }

  #closeWhenReleased(): void {
    const done = this.#onClosed;
    if (done === null || this.transfers.count > 0) return;
    this.#onClosed = null;
    this.queue.backend.close(done);
  }
}
