/**
 * The places of messages in a pump's memory, as a survey visits them: each numbers its messages so that one that stays
 * keeps its number.
 *
 * A message in flight is changed on behalf of its consumer, whose own FIN, REQ or TOUCH then fails.
 *
 * Thread: pump.
 */

import { AssertionError } from '../../../shared/assert.ts';
import { parseHexWord } from '../../../shared/message-id.ts';
import type { MessageState } from '../../../shared/message-survey.ts';
import { HAS_DUE_TIME } from '../backend/disk-backend-listener.ts';
import type { Channel } from '../channel.ts';
import type { MemoryQueue } from '../store/memory-queue.ts';
import { NO_RECORD } from '../store/slab.ts';
import type { MessageStatus, SurveySlice } from './survey-slice.ts';
import type { SurveyTables, SurveyTarget } from './survey-target.ts';

/** Entries of a table that a slice looks at, most of which may belong to other channels. */
const ENTRIES_MAX = 65_536;

/** A deferred message that only the files have. */
export type EvictedEntry = { readonly entry: number; readonly number: number };

export class MemoryPlaces {
  readonly #tables: SurveyTables;
  readonly #target: SurveyTarget;

  constructor(tables: SurveyTables, target: SurveyTarget) {
    this.#tables = tables;
    this.#target = target;
  }

  /** Visits messages in flight. Returns the number to continue with; -1 at the end, as all of these. */
  visitInFlight(from: number, slice: SurveySlice): number {
    const { channel } = this.#target;
    const { inFlight } = this.#tables;
    if (channel === null || !slice.wants('in-flight')) return -1;
    const visit = (entry: number): boolean => {
      this.#lookInFlight(channel, entry, slice);
      return !slice.isOver;
    };
    const { sought } = slice;
    if (sought === null) return inFlight.visitFrom(from, channel.number, ENTRIES_MAX, visit);
    for (const id of [...sought]) {
      const [high, low] = wordsOf(id);
      const entry = inFlight.find({ channelNumber: channel.number, number: 0 }, high, low);
      if (entry >= 0) visit(entry);
    }
    return -1;
  }

  /**
   * Visits deferred messages; those that only the files have are collected. Those in memory before `memoryFrom` were
   * visited when others, which are collected now, did not fit.
   */
  visitDeferred(
    from: number,
    memoryFrom: number,
    slice: SurveySlice,
    evicted: EvictedEntry[],
    max: number,
  ): number {
    const { channel } = this.#target;
    const { deferred } = this.#tables;
    if (channel === null || !slice.wants('deferred')) return -1;
    return deferred.visitFrom(from, channel.number, ENTRIES_MAX, (entry) => {
      if (deferred.isEvicted(entry)) evicted.push({ entry, number: deferred.recordNumber(entry) });
      else if (entry >= memoryFrom) this.#lookDeferred(channel, entry, slice);
      return !slice.isOver && evicted.length < Math.min(max, slice.countLeft);
    });
  }

  /** Visits messages that wait in memory: fresh ones, returned ones, or fetched ones. */
  visitWaiting(from: number, slice: SurveySlice, memory: MemoryQueue): number {
    const { queue } = this.#target;
    const taken = new Map<number, number>();
    const next = memory.visitFrom(from, (position, tag) => {
      if (queue.ages?.hidden.has(position) !== true) {
        this.#lookWaiting(position, tag, slice, memory, taken);
      }
      return !slice.isOver;
    });
    if (taken.size > 0) this.#takeOut(memory, taken, slice);
    return next;
  }

  /** Visits messages on their way to the files, which cannot be changed until they are there. */
  visitLeaving(from: number, slice: SurveySlice): number {
    const { surveys } = this.#target.queue.backend;
    if (surveys === null) return -1;
    return surveys.visitLeaving(from, (position, attempts, dueMs) => {
      const state = dueMs > 0 ? 'deferred' : 'ready';
      const facts = slice.wants(state) ? slice.look(position, attempts) : null;
      if (facts !== null) {
        if (slice.survey.work === 'list') slice.add(facts, waitingStatus(state, dueMs, false));
        else slice.busyCount++;
      }
      return !slice.isOver;
    });
  }

  /** Finishes or requeues a deferred message that is in no file only. Units: as in `Survey`. */
  workOnDeferred(channel: Channel, entry: number, slice: SurveySlice): void {
    const { deferred } = this.#tables;
    const { work, delayMs } = slice.survey;
    if (work === 'requeue' && delayMs === 0) {
      channel.onDue(entry);
      return;
    }
    const position = deferred.position(entry);
    const attempts = deferred.attempts(entry);
    channel.held.deferred.remove(entry);
    if (work === 'finish') channel.queue.drop(position, 1);
    else channel.defer(position, attempts, this.#nowMs + delayMs);
  }

  /** Units: Unix ms of a monotonic time. */
  unixMsOf(monotonicMs: number): number {
    return Math.round(this.#tables.wallClock.unixMs() + monotonicMs - this.#nowMs);
  }

  get #nowMs(): number {
    const { wallClock } = this.#tables;
    return wallClock.monotonicAt(wallClock.unixMs());
  }

  #lookInFlight(channel: Channel, entry: number, slice: SurveySlice): void {
    const { inFlight } = this.#tables;
    const position = inFlight.position(entry);
    const facts = slice.look(position, inFlight.attempts(entry));
    if (facts === null) return;
    const consumer = inFlight.consumer(entry);
    slice.add(facts, {
      state: 'in-flight',
      dueMs: 0,
      deadlineMs: this.unixMsOf(inFlight.deadlines.deadlineMs(entry)),
      consumer: consumer.number,
      isOnDisk: this.#isOnDisk(position),
    });
    const { work, delayMs } = slice.survey;
    if (work === 'list') return;
    const [high, low] = wordsOf(facts.id);
    if (work === 'finish') channel.finish(consumer, high, low);
    else if (work === 'touch') channel.touch(consumer, high, low, this.#nowMs);
    else channel.requeue(consumer, high, low, delayMs, this.#nowMs);
    channel.onCapacity(consumer);
  }

  #lookDeferred(channel: Channel, entry: number, slice: SurveySlice): void {
    const { deferred } = this.#tables;
    const { work } = slice.survey;
    const position = deferred.position(entry);
    const attempts = deferred.attempts(entry) || this.#tables.store.attempts(position);
    const facts = work === 'touch' ? null : slice.look(position, attempts);
    if (facts === null) return;
    const dueMs = this.unixMsOf(deferred.dueMs(entry));
    slice.add(facts, waitingStatus('deferred', dueMs, this.#isOnDisk(position)));
    if (work !== 'list') this.workOnDeferred(channel, entry, slice);
  }

  /** `taken` collects the messages to take out, with their attempts. */
  #lookWaiting(
    position: number,
    tag: number,
    slice: SurveySlice,
    memory: MemoryQueue,
    taken: Map<number, number>,
  ): void {
    const { work, delayMs } = slice.survey;
    const status = this.#waitingStatus(position, tag, memory);
    if (work === 'touch' || !slice.wants(status.state)) return;
    const { channel } = this.#target;
    const isTag = channel !== null && memory !== this.#target.queue.backend.fetched;
    const attempts = (isTag ? tag : 0) || this.#tables.store.attempts(position);
    const facts = slice.look(position, attempts);
    if (facts === null) return;
    slice.add(facts, status);
    const isTaken = work === 'finish' || (work === 'requeue' && delayMs > 0);
    if (isTaken) taken.set(position, attempts);
  }

  /** In a topic some messages have a delay, which starts when they go to the channels. */
  #waitingStatus(position: number, tag: number, memory: MemoryQueue): MessageStatus {
    const { queue, channel } = this.#target;
    const isOnDisk = this.#isOnDisk(position);
    if (channel !== null || tag === 0) return waitingStatus('ready', 0, isOnDisk);
    const isFetched = memory === queue.backend.fetched && tag === HAS_DUE_TIME;
    const dueMs = isFetched ? this.#tables.store.recordDueMs(position) : 0;
    return waitingStatus('deferred', dueMs, isOnDisk);
  }

  /** Takes messages out of the queue, and finishes or defers them. */
  #takeOut(
    memory: MemoryQueue,
    taken: ReadonlyMap<number, number>,
    { survey: { work, delayMs } }: SurveySlice,
  ): void {
    const { queue, channel } = this.#target;
    const { backend } = queue;
    const positions = new Set(taken.keys());
    if (memory === backend.fetched) backend.surveys?.takeOut(positions);
    else queue.waiting.takeOut(memory, positions);
    const dueMs = this.#nowMs + delayMs;
    for (const [position, attempts] of taken) {
      if (work === 'finish') queue.drop(position, 1);
      else if (channel !== null) channel.defer(position, attempts, dueMs);
      else throw new AssertionError('only channels requeue');
    }
    // The next messages in the files may have to be read before a consumer waits for them.
    if (backend.fetched.count === 0) backend.demand();
  }

  #isOnDisk(position: number): boolean {
    return this.#tables.store.recordNumber(position) !== NO_RECORD;
  }
}

/** The status of a message that no consumer has. Units: Unix ms, 0 for none. */
export function waitingStatus(
  state: MessageState,
  dueMs: number,
  isOnDisk: boolean,
): MessageStatus {
  return { state, dueMs, deadlineMs: 0, consumer: 0, isOnDisk };
}

function wordsOf(id: string): [high: number, low: number] {
  const bytes = Buffer.from(id, 'latin1');
  return [parseHexWord(bytes, 0), parseHexWord(bytes, 8)];
}
