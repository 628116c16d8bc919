/**
 * Reads from a disk queue: the next records, or evicted ones again, with one request at a time.
 *
 * Bound: one answer of `MemoryShares.readBytes`, since nothing more is fetched before that is taken; a number for
 * each record to reread.
 *
 * Thread: pump.
 */

import { assert } from '../../../shared/assert.ts';
import { readUint32 } from '../../../shared/big-endian.ts';
import { SIZE_BYTES } from '../../../shared/limits.ts';
import type { RingReader } from '../../../shared/ring/ring.ts';
import { RECORDS_COUNT, RECORDS_WORDS, REREAD_DONE_COVERED } from '../../disk-records.ts';
import { MemoryQueue } from '../store/memory-queue.ts';
import type { MessageStore } from '../store/message-store.ts';
import { type RecordsAnswer, UnreadRecords } from './disk-answers.ts';
import { type DiskBackendListener, HAS_DUE_TIME } from './disk-backend-listener.ts';
import type { DiskRequests } from './disk-requests.ts';
import { dropAll } from './drop-all.ts';
import { Rereads } from './rereads.ts';

/** Records in one request for evicted records. */
const REREAD_COUNT = 1024;
/** Delay before a failed read is retried. */
const RETRY_MS = 1000;

/** What reading needs from its disk queue. */
export type DiskReadsOptions = {
  readonly store: MessageStore;
  readonly requests: DiskRequests;
  /** The link's: each answer is handled within one call. */
  readonly answer: RecordsAnswer;
  /** Messages whose time is not later than this are due. Units: ms since 1970. */
  readonly unixMsDue: () => number;
  readonly onDeferred: DiskBackendListener['onDeferred'];
  readonly onPastDue: DiskBackendListener['onPastDue'];
  /** A record could not be reread and is lost. */
  readonly onLost: (number: number) => void;
};

export class DiskReads {
  readonly fetched = new MemoryQueue();
  readonly unread = new UnreadRecords();
  /** Numbers of the records to reread. */
  readonly rereads = new Rereads();
  /** Whether messages were demanded when there were none to read. */
  isAwaited = false;

  readonly #options: DiskReadsOptions;
  readonly #store: MessageStore;
  #fetchedBytes = 0;
  /** The request for records. `sent`: it is not answered yet. */
  #request: 'none' | 'wanted' | 'sent' = 'none';
  /** When a request may be sent again after a failed read. */
  #retryMs = 0;

  constructor(options: DiskReadsOptions) {
    this.#options = options;
    this.#store = options.store;
  }

  /** Waiting records, fetched or not, without those that have a due time. */
  get depth(): number {
    const unread = this.unread.count - this.unread.deferredCount;
    return unread + this.rereads.count + this.fetched.count;
  }

  /** Their bytes, an estimate. */
  get bytes(): number {
    return this.unread.bytes + this.#fetchedBytes;
  }

  /** Whether there is anything to read. */
  get hasReadable(): boolean {
    return this.unread.count + this.rereads.count > 0;
  }

  /** Whether no request is wanted or sent. */
  get isIdle(): boolean {
    return this.#request === 'none';
  }

  /** Whether a request is sent and unanswered. */
  get isSent(): boolean {
    return this.#request === 'sent';
  }

  /** When the request that is wanted may be sent; undefined if none is wanted. Units: ms, monotonic. */
  get sendableMs(): number | undefined {
    return this.#request === 'wanted' ? this.#retryMs : undefined;
  }

  /** Requests records at the next flush. There must be no other request. */
  want(): void {
    assert(this.#request === 'none', 'one request for records at a time');
    this.#request = 'wanted';
    this.isAwaited = false;
  }

  /** Cancels a request that is not sent yet. */
  cancel(): void {
    if (this.#request === 'wanted') this.#request = 'none';
  }

  /** Requests an evicted record. */
  reread(number: number): void {
    this.rereads.add(number);
  }

  /** Removes messages from the oldest fetched run; the caller gets their references. */
  take(count: number): void {
    this.#fetchedBytes -= this.#store.runBytes(this.fetched.position, count);
    this.fetched.take(count);
  }

  /** Removes fetched messages anywhere; the caller gets their references. */
  takeOut(positions: ReadonlySet<number>): void {
    for (const position of positions) this.#fetchedBytes -= this.#store.runBytes(position, 1);
    this.fetched.remove(positions);
  }

  /** Sends the wanted request when it is due. Returns false if the ring is full. */
  send(nowMs: number): boolean {
    if (this.#request !== 'wanted' || nowMs < this.#retryMs) return true;
    const { requests } = this.#options;
    const { readBytes } = this.#store.shares;
    // Evicted records are older than unread ones.
    const isSent =
      this.rereads.count > 0
        ? requests.reread(readBytes, this.rereads.front(REREAD_COUNT))
        : requests.read(readBytes);
    if (!isSent) return false;
    this.#request = 'sent';
    this.#retryMs = 0;
    return true;
  }

  /** The request was answered, with records or an error. */
  onAnswered(): void {
    assert(this.#request === 'sent', 'records are answers to a request');
    this.#request = 'none';
  }

  /** Handles the ring's front record, RECORDS. */
  onRecords(answers: RingReader): void {
    const { answer } = this.#options;
    answer.open(answers);
    const unixMs = this.#options.unixMsDue();
    while (answer.count > 0) {
      const { at, number, dueMs } = answer;
      if (dueMs > unixMs) {
        this.#store.putRecords(answers.bytes, at, 1, number, dueMs, true);
        this.#takeDeferred(this.#store.position, dueMs);
      } else {
        this.#store.putRecords(answers.bytes, at, answer.countDueAt(unixMs), number);
        this.#tellPastDue(this.#store.position, this.#store.count);
        this.#putFetched(this.#store.position, this.#store.count, 0);
      }
      answer.take(this.#store.count, this.#store.bytesTaken);
    }
  }

  /** Handles the ring's front record, REREAD_DONE. */
  onReread({ words, bytes, offset, length }: RingReader): void {
    const count = words[(offset >>> 2) + RECORDS_COUNT];
    const numbers = words.subarray(((offset + length) >>> 2) - count, (offset + length) >>> 2);
    let at = offset + RECORDS_WORDS * 4;
    let index = 0;
    this.rereads.take(words[(offset >>> 2) + REREAD_DONE_COVERED], (number, isRemoved) => {
      if (index === count || numbers[index] !== number) {
        if (!isRemoved) this.#options.onLost(number);
        return;
      }
      if (isRemoved) {
        at += SIZE_BYTES + readUint32(bytes, at);
        index++;
        return;
      }
      this.#store.putRecords(bytes, at, 1, number);
      at += this.#store.bytesTaken;
      index++;
      this.#putFetched(this.#store.position, 1, 0);
    });
  }

  /**
   * A read has failed. It is wanted again: until the files are open their contents are unknown, so no one would ask
   * for them.
   */
  onFailed(nowMs: number): void {
    this.#retryMs = nowMs + RETRY_MS;
    this.want();
  }

  dropFetched(): void {
    dropAll(this.fetched, this.#store);
    this.#fetchedBytes = 0;
  }

  /** The records no longer exist. */
  clear(): void {
    this.dropFetched();
    this.unread.clear();
    this.rereads.clear();
    this.cancel();
  }

  #takeDeferred(position: number, dueMs: number): void {
    const { onDeferred } = this.#options;
    if (onDeferred === null) this.#putFetched(position, 1, HAS_DUE_TIME);
    else onDeferred(position, dueMs);
  }

  /** Reports the due times of messages that are already due. */
  #tellPastDue(position: number, count: number): void {
    const { answer, onPastDue } = this.#options;
    if (onPastDue === null || !answer.hasDueTimes) return;
    for (let i = 0; i < count; i++) {
      if (answer.dueMsOf(i) > 0) onPastDue(position + i, answer.dueMsOf(i));
    }
  }

  #putFetched(position: number, count: number, tag: number): void {
    this.fetched.put(position, count, tag);
    this.#fetchedBytes += this.#store.bytesTaken;
  }
}
