/**
 * A pump's handle on a disk queue, whose files a disk thread owns.
 *
 * Messages are in one of these places: in a lane, waiting to be written; sent, until the disk thread has
 * answered; on disk and unread; read ahead. A write that fails leaves accepted messages in their lane, to be
 * tried again; messages whose publisher still waits are refused instead.
 *
 * Bound: lanes by what one turn puts while the append ring has room; read-ahead by READ_BATCH_BYTES and one
 * answer more.
 *
 * Thread: pump.
 */

import { assert } from '../../shared/assert.ts';
import type { RingConsumer } from '../../shared/ring/consumer.ts';
import {
  ANSWER_OK,
  ANSWER_UNREAD,
  ANSWER_WORDS,
  APPENDED,
  CLOSE,
  CLOSED,
  DELETE,
  DELETED,
  EMPTIED,
  EMPTY_QUEUE,
  OPENED,
  RECORDS,
  RECORDS_COUNT,
  RECORDS_WORDS,
} from '../disk-records.ts';
import { AppendLane, type AppendPart } from './append-lane.ts';
import { type Backend, dropAll } from './backend.ts';
import type { DiskLink, LinkedQueue } from './disk-link.ts';
import { DiskRequests } from './disk-requests.ts';
import { MemoryQueue } from './memory-queue.ts';
import type { MessageStore } from './message-store.ts';
import type { Receipt } from './receipt.ts';

/** How much one READ asks for. */
const READ_BATCH_BYTES = 256 * 1024;
/** How long after a failed write accepted messages are written again. */
const RETRY_MS = 1000;
/** As `RETRY_MS`, for reads. */
const REREAD_MS = 1000;

/** A write that the disk thread has not answered. */
type SentAppend = { lane: AppendLane; count: number; parts: AppendPart[] };

/** What a disk queue tells its owner. */
export type DiskBackendListener = {
  /** It stops taking writes for this reason, or takes them again (null). */
  readonly onHealth: (error: string | null) => void;
  /** Messages have been read ahead. */
  readonly onReadable: () => void;
  /** It is closed or deleted. */
  readonly onEnded: () => void;
};

type Ending = { request: typeof CLOSE | typeof DELETE; done: (error: string | null) => void };

export class DiskBackend implements Backend, LinkedQueue {
  readonly readAhead = new MemoryQueue();

  readonly #store: MessageStore;
  readonly #link: DiskLink;
  readonly #number: number;
  readonly #requests: DiskRequests;
  readonly #name: string;
  readonly #listener: DiskBackendListener;

  /** Accepted messages, and messages whose publishers wait for an answer. */
  readonly #kept = new AppendLane(false);
  readonly #refusable = new AppendLane(true);
  /** Messages of the writes in `#sent`, in the same order. */
  readonly #sentRuns = new MemoryQueue();
  readonly #sent: SentAppend[] = [];
  /** Records on disk that were not read, as of the last answer. */
  #unread = 0;
  #isOpenSent = false;
  #isOpen = false;
  /** Whether the files could not be opened or read, and nothing was read or written since. */
  #isUnreadable = false;
  #isDue = false;
  /** Whether a READ is wanted, or sent and not answered. */
  #isReadWanted = false;
  #isReading = false;
  /** No READ before this time: the last one failed. */
  #rereadMs = 0;
  /** Taken messages whose records need not be kept, not yet told to the disk thread. */
  #released = 0;
  /** Calls back for each `empty`: not yet sent, and sent. */
  #emptyings: ((error: string | null) => void)[] = [];
  readonly #emptying: ((error: string | null) => void)[] = [];
  #ending: Ending | null = null;
  #isEndSent = false;
  /** When kept messages may be tried again; 0 unless the last write failed. */
  #retryMs = 0;
  #error: string | null = null;

  constructor(name: string, store: MessageStore, link: DiskLink, listener: DiskBackendListener) {
    this.#name = name;
    this.#store = store;
    this.#link = link;
    this.#listener = listener;
    this.#number = link.add(this);
    this.#requests = new DiskRequests(link.requests, store, this.#number);
    this.#setDue();
  }

  get depth(): number {
    const waiting = this.#kept.runs.count + this.#refusable.runs.count + this.#sentRuns.count;
    const unread = this.#isEmptying ? 0 : this.#unread;
    return waiting + unread + this.readAhead.count;
  }

  get isSettled(): boolean {
    return (
      !this.#isDue &&
      this.#isOpen &&
      this.#sent.length === 0 &&
      !this.#isReading &&
      this.#emptying.length === 0
    );
  }

  /** References to messages that it has in memory; for tests and the simulator. */
  get heldCount(): number {
    const waiting = this.#kept.runs.count + this.#refusable.runs.count;
    return waiting + this.#sentRuns.count + this.readAhead.count;
  }

  put(position: number, count: number, attempts: number, receipt: Receipt | null): void {
    assert(this.#ending === null, 'nothing is put to a queue that ends');
    const lane = receipt?.isRefusable === true ? this.#refusable : this.#kept;
    receipt?.expect(count);
    lane.put(position, count, attempts, receipt);
    this.#setDue();
  }

  demand(): void {
    if (this.#isReading || this.#isReadWanted || this.#unread === 0 || this.#ending !== null)
      return;
    this.#isReadWanted = true;
    this.#setDue();
  }

  take(count: number): void {
    this.readAhead.take(count);
  }

  releaseTaken(count: number): void {
    this.#released += count;
    this.#setDue();
  }

  empty(done: (error: string | null) => void): void {
    dropAll(this.readAhead, this.#store);
    this.#dropLane(this.#kept);
    this.#dropLane(this.#refusable);
    this.#released = 0;
    this.#isReadWanted = false;
    this.#emptyings.push(done);
    this.#setDue();
  }

  close(done: (error: string | null) => void): void {
    // Unreleased records are still on disk; only the copies in memory go.
    dropAll(this.readAhead, this.#store);
    this.#ending = { request: CLOSE, done };
    this.#setDue();
  }

  delete(done: (error: string | null) => void): void {
    dropAll(this.readAhead, this.#store);
    this.#dropLane(this.#kept);
    this.#dropLane(this.#refusable);
    this.#released = 0;
    this.#ending = { request: DELETE, done };
    this.#setDue();
  }

  flush(nowMs: number): boolean {
    const isDone = this.#sendAll(nowMs);
    this.#isDue = !isDone;
    if (isDone && this.#kept.runs.count > 0) this.#link.retryAt(this, this.#retryMs);
    if (isDone && this.#isReadWanted) this.#link.retryAt(this, this.#rereadMs);
    return isDone;
  }

  onAnswer(type: number, answers: RingConsumer, nowMs: number): void {
    const at = answers.offset >>> 2;
    const isOk = answers.words[at + ANSWER_OK] === 1;
    this.#unread =
      answers.words[at + ANSWER_UNREAD] * 2 ** 32 + answers.words[at + ANSWER_UNREAD + 1];
    this.#handleAnswer(type, isOk, answers, nowMs);
    // Whoever waits for messages asks for them to be read.
    if (this.#unread > 0 && this.#ending === null) this.#listener.onReadable();
  }

  #handleAnswer(type: number, isOk: boolean, answers: RingConsumer, nowMs: number): void {
    switch (type) {
      case OPENED:
        this.#isOpen = true;
        if (!isOk) this.#onUnreadable(errorText(answers), nowMs);
        return;
      case APPENDED:
        this.#onAppended(isOk ? null : errorText(answers), nowMs);
        return;
      case RECORDS:
        this.#onRecords(isOk, answers, nowMs);
        return;
      case EMPTIED:
        this.#emptying.shift()?.(isOk ? null : errorText(answers));
        return;
      case CLOSED:
      case DELETED:
        this.#link.remove(this.#number);
        this.#setHealth(null);
        this.#listener.onEnded();
        this.#ending?.done(isOk ? null : errorText(answers));
        return;
      default:
        assert(false, 'a disk thread sends no other answers');
    }
  }

  /** Has the queue flushed at the end of this turn. */
  #setDue(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#link.setDue(this);
  }

  /** Writes every request that is due, in the order in which they must take effect. */
  #sendAll(nowMs: number): boolean {
    // The disk thread does not know the queue any longer.
    if (this.#isEndSent) return true;
    if (!this.#isOpenSent) {
      if (!this.#requests.open(this.#name)) return false;
      this.#isOpenSent = true;
    }
    while (this.#emptyings.length > 0) {
      if (!this.#requests.plain(EMPTY_QUEUE)) return false;
      this.#emptying.push(...this.#emptyings.splice(0, 1));
    }
    if (!this.#sendLane(this.#refusable)) return false;
    if (nowMs >= this.#retryMs && !this.#sendLane(this.#kept)) return false;
    if (this.#released > 0 && !this.#sendRelease()) return false;
    if (this.#isReadWanted && nowMs >= this.#rereadMs && !this.#sendRead()) return false;
    return this.#sendEnding();
  }

  #sendLane(lane: AppendLane): boolean {
    while (lane.runs.count > 0) {
      const count = this.#requests.append(lane.runs, this.#sentRuns);
      if (count === 0) return false;
      this.#sent.push({ lane, count, parts: lane.takeParts(count) });
    }
    return true;
  }

  #sendRelease(): boolean {
    if (!this.#requests.release(this.#released)) return false;
    this.#released = 0;
    return true;
  }

  #sendRead(): boolean {
    if (!this.#requests.read(READ_BATCH_BYTES)) return false;
    this.#isReadWanted = false;
    this.#isReading = true;
    this.#rereadMs = 0;
    return true;
  }

  /** CLOSE waits until everything is on disk; DELETE need not. */
  #sendEnding(): boolean {
    if (this.#ending === null) return true;
    const isWritten = this.#kept.runs.count === 0 && this.#sent.length === 0;
    if (this.#ending.request === CLOSE && !isWritten) return true;
    if (!this.#requests.plain(this.#ending.request)) return false;
    this.#isEndSent = true;
    return true;
  }

  #onAppended(error: string | null, nowMs: number): void {
    const sent = this.#sent.shift();
    assert(sent !== undefined, 'an answer belongs to a write');
    this.#retryMs = error === null ? 0 : nowMs + RETRY_MS;
    this.#isUnreadable = false;
    this.#setHealth(error);
    // While EMPTY_QUEUE or DELETE is on its way, every write that is answered was sent before it.
    const isDropped = this.#isEmptying || this.#ending?.request === DELETE;
    if (error === null || sent.lane.isRefusable || isDropped) {
      this.#forSentRuns(sent.count, (position, count) => this.#store.release(position, count));
      for (const part of sent.parts) part.receipt?.settle(part.count, error);
    } else {
      let parts = sent.parts;
      this.#forSentRuns(sent.count, (position, count, attempts) => {
        parts = putParts(sent.lane, position, count, attempts, parts);
      });
    }
    // What waited for the answer may go on: kept messages, or the end.
    if (this.#kept.runs.count > 0 || this.#ending !== null) this.#setDue();
  }

  #forSentRuns(
    count: number,
    visit: (position: number, count: number, attempts: number) => void,
  ): void {
    let rest = count;
    while (rest > 0) {
      const taken = Math.min(rest, this.#sentRuns.runCount);
      const { position, detail } = this.#sentRuns;
      this.#sentRuns.take(taken);
      visit(position, taken, detail);
      rest -= taken;
    }
  }

  #onRecords(isOk: boolean, answers: RingConsumer, nowMs: number): void {
    this.#isReading = false;
    // Records read before the queue was emptied, or while it ends, are no longer anybody's.
    if (this.#isEmptying || this.#ending !== null) return;
    if (!isOk) {
      this.#onUnreadable(errorText(answers), nowMs);
      return;
    }
    if (this.#isUnreadable) this.#setHealth(null);
    this.#isUnreadable = false;
    let rest = answers.words[(answers.offset >>> 2) + RECORDS_COUNT];
    let at = answers.offset + RECORDS_WORDS * 4;
    while (rest > 0) {
      this.#store.putRecords(answers.bytes, at, rest);
      this.readAhead.put(this.#store.position, this.#store.count, 0);
      at += this.#store.bytesTaken;
      rest -= this.#store.count;
    }
    this.#listener.onReadable();
  }

  /** What the files hold is known only when they are open, so nobody would ask for it: reading tries again. */
  #onUnreadable(error: string, nowMs: number): void {
    this.#isUnreadable = true;
    this.#setHealth(error);
    if (this.#ending === null) this.#readLater(nowMs);
  }

  #readLater(nowMs: number): void {
    this.#rereadMs = nowMs + REREAD_MS;
    this.#isReadWanted = true;
    this.#setDue();
  }

  #dropLane(lane: AppendLane): void {
    const parts = lane.takeParts(dropAll(lane.runs, this.#store));
    for (const part of parts) part.receipt?.settle(part.count, null);
  }

  /** Whether an `empty` has not been answered. */
  get #isEmptying(): boolean {
    return this.#emptyings.length + this.#emptying.length > 0;
  }

  #setHealth(error: string | null): void {
    if (error === this.#error) return;
    this.#error = error;
    this.#listener.onHealth(error);
  }
}

/** Puts a run back into its lane, split as its parts are. Returns the parts that are left. */
function putParts(
  lane: AppendLane,
  position: number,
  count: number,
  attempts: number,
  parts: AppendPart[],
): AppendPart[] {
  let at = position;
  let rest = count;
  let left = parts;
  while (rest > 0) {
    const [part, ...others] = left;
    assert(part !== undefined, 'every message belongs to a part');
    const taken = Math.min(rest, part.count);
    lane.put(at, taken, attempts, part.receipt);
    at += taken;
    rest -= taken;
    left =
      taken === part.count
        ? others
        : [{ receipt: part.receipt, count: part.count - taken }, ...others];
  }
  return left;
}

function errorText(answers: RingConsumer): string {
  const { bytes, offset, length } = answers;
  return bytes.toString('utf8', offset + ANSWER_WORDS * 4, offset + length);
}
