/**
 * A pump thread's end of the two rings to one disk thread, and the queues of that disk thread.
 *
 * Queues write their requests at the end of a turn (`flush`), so that a turn's messages for one queue are one write;
 * each answer is passed to its queue.
 *
 * Bound: the request ring. While it is full `isCongested` is true; `WriteBacklog` bounds how much may wait for it.
 *
 * Thread: pump.
 */

import { assert } from '../../../shared/assert.ts';
import { decodeControl, type PumpEvent } from '../../../shared/control.ts';
import type { Doorbell } from '../../../shared/ring/doorbell.ts';
import { EMPTY, FULL, type RingReader, type RingWriter } from '../../../shared/ring/ring.ts';
import {
  COMMITTED,
  COMMITTED_COUNT,
  COMMITTED_OK,
  COMMITTED_WORDS,
  END,
  QUEUE,
  STATUS,
  STATUS_LEVEL,
  STATUS_WORDS,
} from '../../disk-records.ts';
import { NEWS } from '../../stream-records.ts';
import { PendingCommits } from './append-lane.ts';
import { RecordsAnswer } from './disk-answers.ts';

/**
 * How long requests may wait for the other thread to look by itself if nobody waits for them. A wake-up for each of
 * them costs more than the request.
 */
const PATIENCE_MS = 5;

/** Log level, with the number that the disk thread's own lines use. */
const LOG_ERROR = 4;

/** A queue, as its link sees it. */
export interface LinkedQueue {
  /** Writes due requests into the request ring. Returns false if the ring is full. */
  flush(nowMs: number): boolean;
  /** Handles an answer: the ring's front record. */
  onAnswer(type: number, answers: RingReader, nowMs: number): void;
}

export class DiskLink {
  readonly requests: RingWriter;
  /** Walks over the records of an answer; its queues share it. */
  readonly records = new RecordsAnswer();
  /** Writes of its queues that wait for stable storage. */
  readonly commits = new PendingCommits();
  isCongested = false;
  /** When the next flush is due without other events; Infinity if never. */
  nextDeadlineMs = Number.POSITIVE_INFINITY;

  readonly #answers: RingReader;
  readonly #bell: Doorbell;
  readonly #onStatus: (level: number, text: string) => void;
  readonly #queues = new Map<number, LinkedQueue>();
  #due: LinkedQueue[] = [];
  /** Whether somebody waits for what is due. */
  #isHurried = false;
  /** When the bell must be rung for requests that may wait; Infinity if there are none. Units: ms, monotonic. */
  #ringMs = Number.POSITIVE_INFINITY;
  /** Queues that had a failure, and when they retry. */
  readonly #retries = new Map<LinkedQueue, number>();
  #lastNumber = 0;
  readonly #onNews: (event: PumpEvent) => void;

  constructor(
    requests: RingWriter,
    answers: RingReader,
    bell: Doorbell,
    onStatus: (level: number, text: string) => void,
    onNews: (event: PumpEvent) => void = () => undefined,
  ) {
    this.requests = requests;
    this.#answers = answers;
    this.#bell = bell;
    this.#onStatus = onStatus;
    this.#onNews = onNews;
  }

  /** Asks main to log an error of a queue. */
  logError(text: string): void {
    this.#onStatus(LOG_ERROR, text);
  }

  /** Registers a queue and returns its number. */
  add(queue: LinkedQueue): number {
    this.#lastNumber++;
    this.#queues.set(this.#lastNumber, queue);
    return this.#lastNumber;
  }

  remove(number: number): void {
    const queue = this.#queues.get(number);
    if (queue !== undefined) this.#retries.delete(queue);
    this.#queues.delete(number);
  }

  /** Schedules the queue for a flush at the end of this turn. A queue calls this once per flush. */
  setDue(queue: LinkedQueue): void {
    this.#due.push(queue);
    this.#isHurried = true;
  }

  /** As `setDue`, for requests that nobody waits for: they may be left in the ring for some milliseconds. */
  setDueSoon(queue: LinkedQueue): void {
    this.#due.push(queue);
  }

  /** A queue that is due has something that somebody waits for. */
  hurry(): void {
    this.#isHurried = true;
  }

  /** Schedules the queue for a flush at this time or earlier. */
  retryAt(queue: LinkedQueue, timeMs: number): void {
    this.#retries.set(queue, Math.min(timeMs, this.#retries.get(queue) ?? timeMs));
    this.nextDeadlineMs = Math.min(this.nextDeadlineMs, timeMs);
  }

  /** Passes all answers to their queues. Returns how many there were. */
  poll(nowMs: number): number {
    if (!this.#answers.look()) return 0;
    let count = 0;
    for (let type = this.#answers.front(); type !== EMPTY; type = this.#answers.front()) {
      this.#handle(type, nowMs);
      this.#answers.pop();
      count++;
    }
    if (this.#answers.release()) this.#bell.ring();
    return count;
  }

  /** Writes the requests of the queues, and wakes the disk thread. */
  flush(nowMs: number): void {
    if (nowMs >= this.nextDeadlineMs) this.#wakeRetries(nowMs);
    if (this.#due.length > 0) {
      const due = this.#due;
      this.#due = [];
      this.isCongested = false;
      for (const queue of due) {
        // When the ring is full, the remaining queues are not tried, which keeps the order among queues fair.
        if (this.isCongested || !queue.flush(nowMs)) {
          this.isCongested = true;
          this.#due.push(queue);
        }
      }
    }
    if (this.requests.publish()) this.#ringMs = Math.min(this.#ringMs, nowMs + PATIENCE_MS);
    if (this.#ringMs < Number.POSITIVE_INFINITY) this.#ring(nowMs);
    this.#isHurried = this.#due.length > 0;
  }

  /** Tells the disk thread that no more requests follow. Returns false if the ring is full. */
  end(): boolean {
    if (this.requests.claim(0) === FULL) return false;
    this.requests.commit(END, 0);
    if (this.requests.publish()) this.#bell.ring();
    return true;
  }

  #ring(nowMs: number): void {
    const mayWait = !this.#isHurried && !this.isCongested && nowMs < this.#ringMs;
    if (mayWait && !this.requests.isRead) {
      this.nextDeadlineMs = Math.min(this.nextDeadlineMs, this.#ringMs);
      return;
    }
    this.#ringMs = Number.POSITIVE_INFINITY;
    if (!mayWait) this.#bell.ring();
  }

  #wakeRetries(nowMs: number): void {
    this.nextDeadlineMs = Number.POSITIVE_INFINITY;
    for (const [queue, timeMs] of this.#retries) {
      if (nowMs < timeMs) {
        this.nextDeadlineMs = Math.min(this.nextDeadlineMs, timeMs);
        continue;
      }
      this.#retries.delete(queue);
      if (!this.#due.includes(queue)) this.setDue(queue);
    }
  }

  #handle(type: number, nowMs: number): void {
    const { words, bytes, offset, length } = this.#answers;
    if (type === STATUS) {
      const text = bytes.toString('utf8', offset + STATUS_WORDS * 4, offset + length);
      this.#onStatus(words[(offset >>> 2) + STATUS_LEVEL], text);
      return;
    }
    if (type === NEWS) {
      this.#onNews(decodeControl<PumpEvent>(bytes.subarray(offset, offset + length)));
      return;
    }
    if (type === COMMITTED) {
      const at = offset >>> 2;
      const isOk = words[at + COMMITTED_OK] === 1;
      const text = bytes.toString('utf8', offset + COMMITTED_WORDS * 4, offset + length);
      this.commits.onCommitted(words[at + COMMITTED_COUNT], isOk ? null : text);
      return;
    }
    const queue = this.#queues.get(words[(offset >>> 2) + QUEUE]);
    assert(queue !== undefined, 'an answer is for a queue that asked');
    queue.onAnswer(type, this.#answers, nowMs);
  }
}
