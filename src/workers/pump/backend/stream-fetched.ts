/**
 * Messages of a replicated channel that are fetched from the store and not yet taken by a consumer. Other brokers
 * cannot get them meanwhile, so they go back when none is taken for a while.
 *
 * Bound: the requested number.
 * Thread: pump.
 */

import type { RingReader } from '../../../shared/ring/ring.ts';
import { MemoryQueue } from '../store/memory-queue.ts';
import type { MessageStore } from '../store/message-store.ts';
import type { RecordsAnswer } from './disk-answers.ts';
import { dropAll } from './drop-all.ts';

/** How long they wait while none is taken. Units: ms. */
const IDLE_MS_MAX = 1000;

export class StreamFetched {
  readonly queue = new MemoryQueue();
  /** Their bytes as disk records. */
  bytes = 0;
  /** When `look` is due; Infinity if it is not. Units: ms, monotonic. */
  lookMs = Number.POSITIVE_INFINITY;

  readonly #store: MessageStore;
  readonly #giveBack: (position: number) => void;
  /** How many were taken so far, and until the last check. */
  #takenCount = 0;
  #takenBefore = 0;

  /** `giveBack` gets messages that go back; it does not get their references. */
  constructor(store: MessageStore, giveBack: (position: number) => void) {
    this.#store = store;
    this.#giveBack = giveBack;
  }

  /** Adds the messages of the ring's front record, RECORDS. Units: `nowMs` in ms, monotonic. */
  add(records: RecordsAnswer, answers: RingReader, nowMs: number): void {
    records.open(answers);
    while (records.count > 0) {
      this.#store.putRecords(answers.bytes, records.at, records.count, records.number);
      const { position, count, bytesTaken } = this.#store;
      this.queue.put(position, count, 0);
      this.bytes += bytesTaken;
      records.take(count, bytesTaken);
    }
    if (this.lookMs < Number.POSITIVE_INFINITY) return;
    this.lookMs = nowMs + IDLE_MS_MAX;
    this.#takenBefore = this.#takenCount;
  }

  /** Removes messages from the oldest run; the caller gets their references. */
  take(count: number): void {
    this.#takenCount += count;
    this.bytes -= this.#store.runBytes(this.queue.position, count);
    this.queue.take(count);
  }

  /** Returns all of them if none was taken since the last check. */
  look(nowMs: number): void {
    this.lookMs = Number.POSITIVE_INFINITY;
    if (this.queue.count === 0) return;
    if (this.#takenCount === this.#takenBefore) this.giveAllBack();
    else this.lookMs = nowMs + IDLE_MS_MAX;
    this.#takenBefore = this.#takenCount;
  }

  giveAllBack(): void {
    while (this.queue.runCount > 0) {
      const { position, runCount } = this.queue;
      for (let next = position; next < position + runCount; next++) this.#giveBack(next);
      this.queue.take(runCount);
      this.#store.release(position, runCount);
    }
    this.bytes = 0;
  }

  drop(): void {
    dropAll(this.queue, this.#store);
    this.bytes = 0;
  }
}
