/**
 * Writes the requests of one disk queue into the request ring. Each method returns false if the ring is full; it has
 * then written nothing. What becomes of records is collected before it is sent.
 *
 * Thread: pump.
 */

import { assert } from '../../../shared/assert.ts';
import { encodeControl } from '../../../shared/control.ts';
import type { DiskSurvey } from '../../../shared/message-survey.ts';
import { FULL, type RingWriter } from '../../../shared/ring/ring.ts';
import {
  APPEND,
  APPEND_COUNT,
  APPEND_FLAGS,
  APPEND_HAS_DUE,
  APPEND_IS_SYNCED,
  APPEND_QUEUE,
  APPEND_WORDS,
  type CLOSE,
  type DELETE,
  DUE_WORDS,
  type EMPTY_QUEUE,
  FINISH,
  FINISH_RUNS,
  OPEN,
  QUEUE,
  QUEUE_WORDS,
  READ,
  READ_BYTES,
  READ_QUEUE,
  READ_WORDS,
  REREAD,
  REREAD_BYTES,
  REREAD_RUNS,
  SURVEY,
  UPDATE,
  UPDATE_ENTRIES,
  UPDATE_ENTRY_WORDS,
} from '../../disk-records.ts';
import type { MemoryQueue } from '../store/memory-queue.ts';
import type { MessageStore } from '../store/message-store.ts';
import { type AppendLane, type AppendPart, isSynced } from './append-lane.ts';

/** Bytes of one append, unless a single message is larger. */
const APPEND_BATCH_BYTES = 256 * 1024;
/** Words of runs or updates in one request. */
const LIST_WORDS_MAX = 4096;
const DUE_BYTES = DUE_WORDS * 4;

export class DiskRequests {
  /** Bytes of the last append. */
  appendedBytes = 0;

  readonly #ring: RingWriter;
  readonly #store: MessageStore;
  readonly #queue: number;

  constructor(ring: RingWriter, store: MessageStore, queue: number) {
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

  /** A request whose only field is the queue. */
  plain(type: typeof EMPTY_QUEUE | typeof CLOSE | typeof DELETE): boolean {
    const offset = this.#ring.claim(QUEUE_WORDS * 4);
    if (offset === FULL) return false;
    this.#ring.words[(offset >>> 2) + QUEUE] = this.#queue;
    this.#ring.commit(type, QUEUE_WORDS * 4);
    return true;
  }

  /**
   * Writes as many messages as fit, oldest first, and moves them from the lane to `sent`. Returns their parts, or
   * null if the ring is full.
   */
  append(lane: AppendLane, sent: MemoryQueue): AppendPart[] | null {
    const ring = this.#ring;
    const waiting = lane.runs;
    const fields = APPEND_WORDS * 4;
    const dueBytes = lane.hasDueTimes ? DUE_BYTES : 0;
    const first = this.#store.recordBytes(waiting.position) + dueBytes + 3;
    const length = Math.min(fields + Math.max(first, APPEND_BATCH_BYTES), ring.lengthMax);
    const offset = ring.claim(length);
    if (offset === FULL) return null;
    let room = length - fields - (dueBytes > 0 ? 3 : 0);
    let at = offset + fields;
    let count = 0;
    while (waiting.count > 0) {
      const { position, tag } = waiting;
      const taken = this.#countThatFits(waiting, room, dueBytes);
      if (taken === 0) break;
      const end = this.#writeRun(position, taken, tag, at);
      room -= end - at + taken * dueBytes;
      at = end;
      sent.put(position, taken, tag);
      waiting.take(taken);
      count += taken;
    }
    assert(count > 0, 'the request ring has room for the largest message');
    const parts = lane.takeParts(count);
    if (dueBytes > 0) at = this.#writeDueTimes(parts, (at + 3) & ~3);
    ring.words[(offset >>> 2) + APPEND_QUEUE] = this.#queue;
    ring.words[(offset >>> 2) + APPEND_COUNT] = count;
    const flags =
      (dueBytes > 0 ? APPEND_HAS_DUE : 0) | (parts.some(isSynced) ? APPEND_IS_SYNCED : 0);
    ring.words[(offset >>> 2) + APPEND_FLAGS] = flags;
    ring.commit(APPEND, at - offset);
    this.appendedBytes = at - offset;
    return parts;
  }

  /** Sends runs of (first number, count), as many as fit, and removes them from the list. */
  finish(runs: number[]): boolean {
    return this.#sendList(FINISH, FINISH_RUNS, runs);
  }

  /** Sends entries of (number, attempts, due time), as many as fit, and removes them from the list. */
  update(entries: number[]): boolean {
    return this.#sendList(UPDATE, UPDATE_ENTRIES, entries);
  }

  /** Requests the next records. Units: `bytes` is the size of the answer, unless a single record is larger. */
  read(bytes: number): boolean {
    const offset = this.#ring.claim(READ_WORDS * 4);
    if (offset === FULL) return false;
    this.#ring.words[(offset >>> 2) + READ_QUEUE] = this.#queue;
    this.#ring.words[(offset >>> 2) + READ_BYTES] = bytes;
    this.#ring.commit(READ, READ_WORDS * 4);
    return true;
  }

  /** Requests the records of these runs of (first number, count) again. Units: `bytes` as for `read`. */
  reread(bytes: number, runs: readonly number[]): boolean {
    const length = (REREAD_RUNS + runs.length) * 4;
    const offset = this.#ring.claim(length);
    if (offset === FULL) return false;
    const at = offset >>> 2;
    this.#ring.words[at + QUEUE] = this.#queue;
    this.#ring.words[at + REREAD_BYTES] = bytes;
    this.#ring.words.set(runs, at + REREAD_RUNS);
    this.#ring.commit(REREAD, length);
    return true;
  }

  survey(survey: DiskSurvey): boolean {
    const bytes = encodeControl(survey);
    const offset = this.#ring.claim(QUEUE_WORDS * 4 + bytes.length);
    if (offset === FULL) return false;
    this.#ring.words[(offset >>> 2) + QUEUE] = this.#queue;
    this.#ring.bytes.set(bytes, offset + QUEUE_WORDS * 4);
    this.#ring.commit(SURVEY, QUEUE_WORDS * 4 + bytes.length);
    return true;
  }

  /** Sends a list with as many requests as needed. Returns false if the ring has no room for all. */
  #sendList(type: typeof FINISH | typeof UPDATE, start: number, list: number[]): boolean {
    const ring = this.#ring;
    // Both kinds of entries are of two or four words.
    const wordsMax = Math.min(LIST_WORDS_MAX, ((ring.lengthMax >>> 2) - start) & ~3);
    let done = 0;
    while (done < list.length) {
      const count = Math.min(list.length - done, wordsMax);
      const offset = ring.claim((start + count) * 4);
      if (offset === FULL) break;
      const at = offset >>> 2;
      ring.words[at + QUEUE] = this.#queue;
      for (let i = 0; i < count; i++) ring.words[at + start + i] = list[done + i];
      ring.commit(type, (start + count) * 4);
      done += count;
    }
    list.splice(0, done);
    return list.length === 0;
  }

  /** How many messages of the oldest run fit into this many bytes, each as a record and `extra` bytes. */
  #countThatFits(waiting: MemoryQueue, bytes: number, extra: number): number {
    const { position, runCount } = waiting;
    let count = 0;
    let rest = bytes;
    while (count < runCount) {
      rest -= this.#store.recordBytes(position + count) + extra;
      if (rest < 0) break;
      count++;
    }
    return count;
  }

  /** Returns the offset after the records. */
  #writeRun(position: number, count: number, tag: number, from: number): number {
    const store = this.#store;
    let at = from;
    for (let next = position; next < position + count; next++) {
      const attempts = tag > 0 ? tag : store.attempts(next);
      at = store.writeRecord(next, attempts, this.#ring.bytes, at);
    }
    return at;
  }

  /** Returns the offset after the due times. */
  #writeDueTimes(parts: readonly AppendPart[], from: number): number {
    let word = from >>> 2;
    for (const { count, dueMs } of parts) {
      const high = Math.floor(dueMs / 2 ** 32);
      const low = dueMs % 2 ** 32;
      for (let i = 0; i < count; i++) {
        this.#ring.words[word++] = high;
        this.#ring.words[word++] = low;
      }
    }
    return word * 4;
  }
}

/** Words of updates that are kept before superseded ones are dropped. */
const UPDATES_KEPT = 4096;

/**
 * Pending outcomes of records that one disk queue has handed out, until they are sent to the disk thread: which are
 * finished, and the attempts and due times of those that wait.
 *
 * Bound: one run for each finished message, and about two updates for each that waits. While the request ring is
 * full, a message may be put back any number of times; only its last update counts.
 */
export class RecordOutcomes {
  /** Runs of (first number, count). */
  #finished: number[] = [];
  /** Entries of (number, attempts, due time high, low). */
  #updates: number[] = [];
  /** The length of `#updates` at which superseded ones are dropped. */
  #updatesMax = UPDATES_KEPT;

  finish(number: number): void {
    const runs = this.#finished;
    const last = runs.length - 2;
    if (last >= 0 && (runs[last] + runs[last + 1]) >>> 0 === number) runs[last + 1]++;
    else runs.push(number, 1);
  }

  /** Units: `dueMs` Unix time in ms, 0 for at once. */
  update(number: number, attempts: number, dueMs: number): void {
    if (this.#updates.length >= this.#updatesMax) this.#dropSuperseded();
    this.#updates.push(number, attempts, Math.floor(dueMs / 2 ** 32), dueMs % 2 ** 32);
  }

  /** Sends everything to the disk thread. Returns false if the ring has no room for all. */
  send(requests: DiskRequests): boolean {
    if (this.#updates.length > 0 && !requests.update(this.#updates)) return false;
    return this.#finished.length === 0 || requests.finish(this.#finished);
  }

  /** Drops everything, because the records no longer exist. */
  clear(): void {
    this.#finished = [];
    this.#updates = [];
  }

  /** Keeps the last update of each record. */
  #dropSuperseded(): void {
    const updates = this.#updates;
    const last = new Map<number, number>();
    for (let at = 0; at < updates.length; at += UPDATE_ENTRY_WORDS) last.set(updates[at], at);
    this.#updates = [...last.values()].flatMap((at) => updates.slice(at, at + UPDATE_ENTRY_WORDS));
    this.#updatesMax = Math.max(UPDATES_KEPT, 2 * this.#updates.length);
  }
}
