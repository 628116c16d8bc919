/**
 * Writes the requests of one disk queue into the append ring. Each answers false when the ring is full, and has
 * then written nothing.
 *
 * Thread: pump.
 */

import { FULL, type RingProducer } from '../../shared/ring/producer.ts';
import {
  APPEND,
  APPEND_COUNT,
  APPEND_QUEUE,
  APPEND_WORDS,
  type CLOSE,
  type DELETE,
  type EMPTY_QUEUE,
  OPEN,
  QUEUE,
  QUEUE_WORDS,
  READ,
  READ_BYTES,
  READ_QUEUE,
  READ_WORDS,
  RELEASE,
  RELEASE_COUNT,
  RELEASE_QUEUE,
  RELEASE_WORDS,
} from '../disk-records.ts';
import type { MemoryQueue } from './memory-queue.ts';
import type { MessageStore } from './message-store.ts';

/** An append takes as many waiting messages as fit, or one that is larger. */
const APPEND_BATCH_BYTES = 256 * 1024;

export class DiskRequests {
  readonly #ring: RingProducer;
  readonly #store: MessageStore;
  readonly #queue: number;

  constructor(ring: RingProducer, store: MessageStore, queue: number) {
    this.#ring = ring;
    this.#store = store;
    this.#queue = queue;
  }

  open(name: string): boolean {
    const nameBytes = Buffer.byteLength(name);
    const offset = this.#ring.claim(QUEUE_WORDS * 4 + nameBytes);
    if (offset === FULL) return false;
    this.#ring.words[(offset >>> 2) + QUEUE] = this.#queue;
    this.#ring.bytes.write(name, offset + QUEUE_WORDS * 4);
    this.#ring.commit(OPEN, QUEUE_WORDS * 4 + nameBytes);
    return true;
  }

  /** A request that has nothing to say but which queue it is for. */
  plain(type: typeof EMPTY_QUEUE | typeof CLOSE | typeof DELETE): boolean {
    const offset = this.#ring.claim(QUEUE_WORDS * 4);
    if (offset === FULL) return false;
    this.#ring.words[(offset >>> 2) + QUEUE] = this.#queue;
    this.#ring.commit(type, QUEUE_WORDS * 4);
    return true;
  }

  /**
   * Writes as many messages as fit, oldest first, and moves them from `waiting` to `sent`; a run's detail is its
   * attempts. Returns how many, 0 when the ring is full.
   */
  append(waiting: MemoryQueue, sent: MemoryQueue): number {
    const ring = this.#ring;
    const fields = APPEND_WORDS * 4;
    const wanted = Math.max(this.#store.recordBytes(waiting.position), APPEND_BATCH_BYTES);
    const length = Math.min(fields + wanted, ring.lengthMax);
    const offset = ring.claim(length);
    if (offset === FULL) return 0;
    const end = offset + length;
    let at = offset + fields;
    let count = 0;
    while (waiting.count > 0) {
      const { position, detail } = waiting;
      const taken = this.#countThatFits(waiting, end - at);
      if (taken === 0) break;
      at = this.#writeRun(position, taken, detail, at);
      sent.put(position, taken, detail);
      waiting.take(taken);
      count += taken;
    }
    ring.words[(offset >>> 2) + APPEND_QUEUE] = this.#queue;
    ring.words[(offset >>> 2) + APPEND_COUNT] = count;
    ring.commit(APPEND, at - offset);
    return count;
  }

  release(count: number): boolean {
    const offset = this.#ring.claim(RELEASE_WORDS * 4);
    if (offset === FULL) return false;
    this.#ring.words[(offset >>> 2) + RELEASE_QUEUE] = this.#queue;
    this.#ring.words[(offset >>> 2) + RELEASE_COUNT] = count;
    this.#ring.commit(RELEASE, RELEASE_WORDS * 4);
    return true;
  }

  /** Units: `bytes` that the answer should not exceed, unless a single record does. */
  read(bytes: number): boolean {
    const offset = this.#ring.claim(READ_WORDS * 4);
    if (offset === FULL) return false;
    this.#ring.words[(offset >>> 2) + READ_QUEUE] = this.#queue;
    this.#ring.words[(offset >>> 2) + READ_BYTES] = bytes;
    this.#ring.commit(READ, READ_WORDS * 4);
    return true;
  }

  /** How many messages of the oldest run take no more than so many bytes as records. */
  #countThatFits(waiting: MemoryQueue, bytes: number): number {
    const { position, runCount } = waiting;
    let count = 0;
    let rest = bytes;
    while (count < runCount) {
      rest -= this.#store.recordBytes(position + count);
      if (rest < 0) break;
      count++;
    }
    return count;
  }

  /** Returns the offset behind the records. */
  #writeRun(position: number, count: number, detail: number, from: number): number {
    const store = this.#store;
    let at = from;
    for (let next = position; next < position + count; next++) {
      const attempts = detail > 0 ? detail : store.attempts(next);
      at = store.writeRecord(next, attempts, this.#ring.bytes, at);
    }
    return at;
  }
}
