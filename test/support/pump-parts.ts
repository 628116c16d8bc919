/**
 * Parts of a pump alone, for tests: messages in a store, and a backend that is a list.
 *
 * Thread: any.
 */

import { allocateRing, RingWriter } from '../../src/shared/ring/ring.ts';
import type { Receipt } from '../../src/workers/pump/backend/append-lane.ts';
import type { Backend } from '../../src/workers/pump/backend/backend.ts';
import { dropAll } from '../../src/workers/pump/backend/drop-all.ts';
import { DeadLetters } from '../../src/workers/pump/dead-letters.ts';
import { MemoryQueue } from '../../src/workers/pump/store/memory-queue.ts';
import type { MessageStore } from '../../src/workers/pump/store/message-store.ts';
import { NO_RECORD } from '../../src/workers/pump/store/slab.ts';
import { Undelivered } from '../../src/workers/pump/undelivered.ts';
import { idWords, publishedBytes, recordBytes } from './message-bytes.ts';

/** Handles undelivered messages of a queue without a pump: they are dropped, and counted. */
export function undeliveredOf(store: MessageStore): Undelivered {
  const ring = new RingWriter(allocateRing(64 * 1024));
  return new Undelivered({ topic: 't', channel: '' }, new DeadLetters(store, ring));
}

const TIMESTAMP_NS = 1_700_000_000_000_000_000n;
let lastId = 0x18a373e374a69000n;

/** Puts bodies as one batch with its own ids. Returns the first position; the others follow. */
export function putInStore(
  store: MessageStore,
  bodies: readonly string[],
  timestampNs = TIMESTAMP_NS,
): number {
  lastId += 4096n;
  const [high, low] = idWords(lastId.toString(16));
  const bytes = publishedBytes(bodies);
  const timestamp = [Number(timestampNs >> 32n), Number(timestampNs & 0xffffffffn)] as const;
  store.putBodies(bytes, 0, bodies.length, high, low, ...timestamp);
  if (store.count !== bodies.length) throw new Error('the bodies do not fit one slab');
  return store.position;
}

/** Puts one disk record. Returns its position. */
export function putRecordInStore(
  store: MessageStore,
  body: string,
  attempts: number,
  timestampNs = TIMESTAMP_NS,
  number = 0,
): number {
  lastId += 4096n;
  store.putRecords(recordBytes(timestampNs, attempts, lastId.toString(16), body), 0, 1, number);
  return store.position;
}

/** Bodies of a run. */
export function bodiesIn(store: MessageStore, position: number, count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const target = Buffer.alloc(store.recordBytes(position + i));
    store.writeRecord(position + i, 0, target, 0);
    return target.toString('latin1', 30);
  });
}

/**
 * A backend whose disk is a list: messages that are put become records, numbered from 0, which are read when the test
 * requests it.
 */
export class ListBackend implements Backend {
  readonly isDurable = true;
  readonly replicated = null;
  readonly fetched = new MemoryQueue();
  readonly surveys = null;
  readonly isSettled = true;
  isAccepting = true;
  /** Its calls, except puts. */
  readonly log: string[] = [];
  /** The messages that were put: body, attempts, and due time. */
  readonly puts: string[] = [];
  /** Receipts of puts, in order, for the test to settle. */
  readonly receipts: { receipt: Receipt; count: number }[] = [];
  deferredCount = 0;
  bytes = 0;

  readonly #store: MessageStore;
  readonly #disk = new MemoryQueue();
  #nextNumber = 0;

  constructor(store: MessageStore) {
    this.#store = store;
  }

  get depth(): number {
    return this.fetched.count + this.#disk.count;
  }

  put(
    position: number,
    count: number,
    attempts: number,
    dueMs: number,
    receipt: Receipt | null,
  ): void {
    this.#disk.put(position, count, attempts);
    this.bytes += this.#store.runBytes(position, count);
    for (const body of bodiesIn(this.#store, position, count)) {
      this.puts.push(`${body} ${attempts} ${dueMs}`);
    }
    if (receipt === null) return;
    receipt.expect(count);
    this.receipts.push({ receipt, count });
  }

  demand(): void {
    if (this.#disk.count > 0 && this.fetched.count === 0) this.log.push('demand');
  }

  /** The effect of a demand. */
  read(): void {
    while (this.#disk.count > 0) {
      const { position, tag } = this.#disk;
      const record = Buffer.alloc(this.#store.recordBytes(position));
      const attempts = tag > 0 ? tag : this.#store.attempts(position);
      this.#store.writeRecord(position, attempts, record, 0);
      this.#store.putRecords(record, 0, 1, this.#nextNumber++);
      this.fetched.put(this.#store.position, 1, 0);
      this.#store.release(position, 1);
      this.#disk.take(1);
    }
  }

  /** The put messages are written, and are not read again. */
  forget(): void {
    dropAll(this.#disk, this.#store);
  }

  take(count: number): void {
    this.bytes -= this.#store.runBytes(this.fetched.position, count);
    this.fetched.take(count);
  }

  finish(position: number, count: number): void {
    for (let next = position; next < position + count; next++) {
      const number = this.#store.recordNumber(next);
      if (number !== NO_RECORD) this.log.push(`finish ${number}`);
    }
  }

  update(position: number, attempts: number, dueMs: number): void {
    this.log.push(`update ${this.#store.recordNumber(position)} ${attempts} ${dueMs}`);
  }

  reread(number: number): void {
    this.log.push(`reread ${number}`);
  }

  empty(done: (error: string | null) => void): void {
    dropAll(this.#disk, this.#store);
    this.#end('empty', done);
  }

  close(done: (error: string | null) => void): void {
    this.#end('close', done);
  }

  delete(done: (error: string | null) => void): void {
    dropAll(this.#disk, this.#store);
    this.#end('delete', done);
  }

  #end(what: string, done: (error: string | null) => void): void {
    dropAll(this.fetched, this.#store);
    this.bytes = 0;
    this.log.push(what);
    done(null);
  }
}
