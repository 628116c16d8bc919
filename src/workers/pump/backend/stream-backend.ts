/**
 * A pump's handle on a topic or channel of the store of replicated topics, which the stream thread reaches.
 *
 * A topic's messages only pass through on their way to the store. A channel's messages are in the store, fetched, or
 * taken by consumers of this broker. An unfinished message goes back to the store, which counts its attempts, not into
 * the memory of this broker.
 *
 * Bound: `Appends`, and what the owner's consumers can take at once.
 * Thread: pump.
 */

import { assert } from '../../../shared/assert.ts';
import type { StartedChannel, StreamName } from '../../../shared/control.ts';
import type { RingReader } from '../../../shared/ring/ring.ts';
import {
  ANSWER_WORDS,
  APPENDED,
  CLOSED,
  DELETED,
  EMPTIED,
  OPENED,
  RECORDS,
} from '../../disk-records.ts';
import { FIGURES, FIGURES_MESSAGES, PULLED, STARTED } from '../../stream-records.ts';
import type { MemoryQueue } from '../store/memory-queue.ts';
import type { MessageStore } from '../store/message-store.ts';
import { NO_RECORD } from '../store/slab.ts';
import type { Receipt } from './append-lane.ts';
import { Appends } from './appends.ts';
import type { Backend, ReplicatedSide } from './backend.ts';
import { BackendEnd, BackendHealth } from './backend-state.ts';
import { answerError, UnreadRecords } from './disk-answers.ts';
import type { DiskLink, LinkedQueue } from './disk-link.ts';
import { DiskRequests, RecordOutcomes } from './disk-requests.ts';
import { StreamFetched } from './stream-fetched.ts';
import { StreamRequests } from './stream-requests.ts';
import type { TopicBacklog } from './write-backlog.ts';

type Start = { readonly channel: StartedChannel; readonly done: (error: string | null) => void };

/** Most messages asked for at a time. */
const PULL_COUNT_MAX = 2048;

/** The questions and reports of a replicated topic or channel to its owner. */
export type StreamListener = {
  /** How many more messages the owner's consumers could take now; 0 for a topic. */
  readonly capacity: () => number;
  /** Whether there is memory for more messages. */
  readonly mayRead: () => boolean;
  /** Memory is full: the owner calls `demand` when there is room. */
  readonly onStarved: () => void;
  /** Messages have been fetched, or may be asked for again. */
  readonly onReadable: () => void;
  /** The store refuses messages for this reason, or accepts them again (null). */
  readonly onHealth: (error: string | null) => void;
  /** It is closed or deleted. */
  readonly onEnded: () => void;
};

/** Its dependencies. */
export type StreamBackendOptions = {
  readonly name: StreamName;
  readonly store: MessageStore;
  readonly link: DiskLink;
  readonly listener: StreamListener;
  /** The backlog of its topic. */
  readonly backlog: TopicBacklog;
};

export class StreamBackend implements Backend, ReplicatedSide, LinkedQueue {
  readonly isDurable = true;
  readonly replicated = this;
  readonly fetched: MemoryQueue;
  readonly surveys = null;
  messageCount = 0;

  readonly #name: StreamName;
  readonly #store: MessageStore;
  readonly #link: DiskLink;
  readonly #listener: StreamListener;
  readonly #number: number;
  readonly #requests: DiskRequests;
  readonly #streamRequests: StreamRequests;
  readonly #health: BackendHealth;
  readonly #appends: Appends;
  readonly #backlog: TopicBacklog;
  readonly #outcomes = new RecordOutcomes();
  readonly #unread = new UnreadRecords();
  readonly #fetched: StreamFetched;
  /** The number of messages of a pull that is not sent yet; and whether one is pending. */
  #wanted = 0;
  #isPulling = false;
  #mustRest = false;
  #pause: boolean | null = null;
  /** Channels to be created from an earlier message on; the first ones are sent. */
  readonly #starts: Start[] = [];
  #unsentStarts = 0;
  #isOpenSent = false;
  /** Whether the store has it, and who waits for that. */
  #isStored = false;
  #storedWaits: ((error: string | null) => void)[] = [];
  #isDue = false;
  readonly #end: BackendEnd;

  constructor(options: StreamBackendOptions) {
    const { name, store, link, listener, backlog } = options;
    this.#name = name;
    this.#store = store;
    this.#link = link;
    this.#listener = listener;
    this.#number = link.add(this);
    this.#fetched = new StreamFetched(store, (position) => this.giveBack(position, 0));
    this.fetched = this.#fetched.queue;
    this.#requests = new DiskRequests(link.requests, store, this.#number);
    this.#end = new BackendEnd(this.#requests);
    this.#streamRequests = new StreamRequests(link.requests, this.#number);
    this.#health = new BackendHealth(listener.onHealth);
    this.#backlog = backlog;
    this.#appends = new Appends(store, backlog, link.commits);
    this.#setDue();
  }

  get depth(): number {
    return this.#unread.count + this.fetched.count;
  }

  get deferredCount(): number {
    return this.#unread.deferredCount;
  }

  get bytes(): number {
    return this.#fetched.bytes;
  }

  get isSettled(): boolean {
    // The store may be unavailable, and startup does not wait for it.
    return true;
  }

  get isAccepting(): boolean {
    return !this.#end.isEnding && this.#health.isWell;
  }

  put(
    position: number,
    count: number,
    attempts: number,
    dueMs: number,
    receipt: Receipt | null,
  ): void {
    assert(this.#name.channel === '', 'only the topic of a replicated topic is published to');
    this.#appends.put(position, count, attempts, dueMs, receipt);
    this.#setDue();
  }

  demand(): void {
    if (this.#isPulling || this.#wanted > 0 || this.fetched.count > 0 || this.#end.isEnding) {
      return;
    }
    const capacity = Math.min(PULL_COUNT_MAX, this.#listener.capacity());
    if (capacity === 0) return;
    if (!this.#listener.mayRead()) {
      this.#listener.onStarved();
      return;
    }
    this.#wanted = capacity;
    this.#setDue();
  }

  take(count: number): void {
    this.#fetched.take(count);
  }

  finish(position: number, count: number): void {
    for (let next = position; next < position + count; next++) {
      const number = this.#store.recordNumber(next);
      if (number !== NO_RECORD) this.#outcomes.finish(number);
    }
    this.#setDueSoon();
  }

  update(): void {
    // At the close, everything that the broker holds goes back to the store.
  }

  giveBack(position: number, dueMs: number): void {
    const number = this.#store.recordNumber(position);
    assert(number !== NO_RECORD, 'messages of a replicated channel come from the store');
    this.#outcomes.update(number, 0, dueMs);
    this.#setDue();
  }

  rest(): void {
    this.#wanted = 0;
    this.#fetched.giveAllBack();
    if (!this.#isPulling) return;
    this.#mustRest = true;
    this.#setDue();
  }

  setPaused(isPaused: boolean): void {
    this.#pause = isPaused;
    this.#setDue();
  }

  whenStored(done: (error: string | null) => void): void {
    if (this.#isStored) done(null);
    else this.#storedWaits.push(done);
  }

  startChannel(channel: StartedChannel, done: (error: string | null) => void): void {
    this.#starts.push({ channel, done });
    this.#unsentStarts++;
    this.#setDue();
  }

  reread(): void {
    assert(false, 'messages from the store are not evicted');
  }

  empty(done: (error: string | null) => void): void {
    this.#dropAll();
    this.#end.empty(done);
    this.#setDue();
  }

  close(done: (error: string | null) => void): void {
    this.#fetched.drop();
    this.#wanted = 0;
    this.#end.close(done);
    this.#setDue();
  }

  delete(done: (error: string | null) => void): void {
    this.#dropAll();
    this.#end.delete(done);
    this.#setDue();
  }

  flush(nowMs: number): boolean {
    if (nowMs >= this.#fetched.lookMs) this.#fetched.look(nowMs);
    const isDone = this.#sendAll(nowMs);
    this.#isDue = !isDone;
    if (!isDone) return false;
    if (this.#appends.waitsForTurn && !this.#end.isSent) this.#backlog.wait(this);
    const retryMs = Math.min(this.#appends.retryMs, this.#fetched.lookMs);
    if (retryMs < Number.POSITIVE_INFINITY) this.#link.retryAt(this, retryMs);
    return true;
  }

  onMayWrite(): void {
    this.#setDue();
  }

  onAnswer(type: number, answers: RingReader, nowMs: number): void {
    const error = answerError(answers, ANSWER_WORDS);
    this.#unread.update(answers);
    switch (type) {
      case OPENED:
        this.#onOpened(error);
        return;
      case APPENDED:
        this.#onAppended(error, nowMs);
        return;
      case RECORDS:
        this.#onRecords(answers, nowMs);
        return;
      case PULLED:
        this.#isPulling = false;
        this.#mustRest = false;
        if (!this.#end.isEnding) this.#listener.onReadable();
        return;
      case FIGURES:
        this.#onFigures(answers);
        return;
      case EMPTIED:
        this.#end.takeEmptying()?.(error);
        return;
      case STARTED:
        this.#starts.shift()?.done(error);
        return;
      case CLOSED:
      case DELETED:
        this.#onEnded(error);
        return;
      default:
        assert(false, 'a stream thread sends no other answers');
    }
  }

  #onOpened(error: string | null): void {
    if (error === null) this.#isStored = true;
    this.#health.set('read', error);
    this.#tellStored(error);
  }

  #tellStored(error: string | null): void {
    const waits = this.#storedWaits;
    this.#storedWaits = [];
    for (const done of waits) done(error);
  }

  #onAppended(error: string | null, nowMs: number): void {
    // Its publisher gets the reason; OPENED reports whether the topic is healthy.
    const isDropped = this.#end.isEnding || this.#end.isEmptying;
    this.#appends.onAnswer(error, isDropped, nowMs);
    if (this.#appends.count > 0 || this.#end.isEnding) this.#setDue();
  }

  #onRecords(answers: RingReader, nowMs: number): void {
    if (this.#end.isEnding || this.#end.isEmptying) return;
    this.#fetched.add(this.#link.records, answers, nowMs);
    this.#setDueSoon();
    this.#listener.onReadable();
  }

  #onFigures({ words, offset }: RingReader): void {
    const at = (offset >>> 2) + FIGURES_MESSAGES;
    this.messageCount = words[at] * 2 ** 32 + words[at + 1];
  }

  #onEnded(error: string | null): void {
    this.#link.remove(this.#number);
    this.#backlog.forget(this);
    this.#health.clear();
    for (const { done } of this.#starts.splice(0)) done('the topic is deleted');
    this.#tellStored('it is deleted');
    this.#listener.onEnded();
    this.#end.finish(error);
  }

  #setDue(): void {
    if (this.#isDue) this.#link.hurry();
    else this.#link.setDue(this);
    this.#isDue = true;
  }

  /** Nobody waits for what is finished. */
  #setDueSoon(): void {
    if (!this.#isDue) this.#link.setDueSoon(this);
    this.#isDue = true;
  }

  /** Writes all due requests, in the order in which they must take effect. */
  #sendAll(nowMs: number): boolean {
    if (this.#end.isSent) return true;
    const stream = this.#streamRequests;
    if (!this.#isOpenSent) {
      if (!stream.open(this.#name)) return false;
      this.#isOpenSent = true;
    }
    if (!this.#end.sendEmptyings()) return false;
    if (this.#pause !== null) {
      if (!stream.pause(this.#pause)) return false;
      this.#pause = null;
    }
    for (; this.#unsentStarts > 0; this.#unsentStarts--) {
      const { channel } = this.#starts[this.#starts.length - this.#unsentStarts];
      if (!stream.start(channel)) return false;
    }
    if (!this.#appends.send(this.#requests, nowMs)) return false;
    if (!this.#outcomes.send(this.#requests)) return false;
    if (this.#mustRest) {
      if (!stream.rest()) return false;
      this.#mustRest = false;
    }
    if (this.#wanted > 0) {
      if (!stream.pull(this.#wanted, this.#store.shares.readBytes)) return false;
      this.#wanted = 0;
      this.#isPulling = true;
    }
    return this.#end.send(this.#appends.count);
  }

  #dropAll(): void {
    this.#fetched.drop();
    this.#wanted = 0;
    this.#unread.clear();
    this.#appends.drop();
    this.#outcomes.clear();
  }
}
