/**
 * The dead letters of all queues of a pump thread: messages that go to other topics. Main publishes them there and
 * reports when they are safe; only then their own queue drops them. Failures are retried.
 *
 * Bound: at most 1 MiB is on its way to each topic. Messages that wait stay as they were in their queue, within that
 * queue's share of the memory. A topic that refuses dead letters does not delay those for another topic.
 *
 * Thread: pump. Source: own; nsqd has no dead letters.
 */

import { encodeControl } from '../../shared/control.ts';
import * as records from '../../shared/records.ts';
import { FULL, type RingWriter } from '../../shared/ring/ring.ts';
import type { Backend } from './backend/backend.ts';
import type { MessageStore } from './store/message-store.ts';
import { NO_RECORD } from './store/slab.ts';

/** Why a message is not delivered: it is too old, was sent too often, or exceeds the bound of its queue. */
export type Reason = 'expired' | 'attempts' | 'full';

/** The queue that messages come from. Shape: `channel` is empty for a topic. */
export type Origin = { readonly topic: string; readonly channel: string };

/** Counts dead letters. */
export interface DeadLetterSource {
  readonly origin: Origin;
  deadLetterCount: number;
  leavingCount: number;
}

/** The queue that messages were taken from. */
export interface SendingQueue {
  readonly backend: Pick<Backend, 'put' | 'update'>;
  outsideBytes: number;
  drop(position: number, count: number): void;
}

/** The destination of a message, and the reason. */
export type Letter = {
  readonly target: string;
  readonly isWrapped: boolean;
  readonly reason: Reason;
};

/** Messages of one queue that go to one topic. */
type Batch = {
  readonly from: DeadLetterSource;
  readonly queue: SendingQueue;
  readonly position: number;
  readonly count: number;
  /** How often they were sent; 0 means the attempts in their records. */
  readonly attempts: number;
  readonly letter: Letter;
};

/** The dead letters for one topic. */
type Lane = {
  /** Oldest first. */
  waiting: Batch[];
  transitBytes: number;
  /** When sending resumes after a failure. */
  pausedUntilMs: number;
};

/** One record: batches of one queue, oldest first. */
type Transit = { readonly batches: readonly Batch[]; readonly lane: Lane; readonly bytes: number };

/** What one record takes of a lane. Shape: the last batch may be the first part of one that waits. */
type Load = { readonly batches: Batch[]; readonly count: number; readonly bytes: number };

const TRANSIT_BYTES_MAX = 1024 * 1024;
const RECORD_BYTES_MAX = 64 * 1024;
/** Delay before the next batch for the same topic after a failure. */
const RETRY_MS = 1000;
const FIELD_BYTES = records.fieldBytes(records.DEAD_LETTERS_WORDS);

export class DeadLetters {
  readonly #store: MessageStore;
  readonly #ring: RingWriter;
  /** By topic name. */
  readonly #lanes = new Map<string, Lane>();
  /** Records that main has not answered, by token. */
  readonly #transit = new Map<number, Transit>();
  #lastToken = 0;

  constructor(store: MessageStore, ring: RingWriter) {
    this.#store = store;
    this.#ring = ring;
  }

  /** The time of the next retry; Infinity if nothing waits. Units: ms, monotonic, as all times here. */
  get nextMs(): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const { waiting, transitBytes, pausedUntilMs } of this.#lanes.values()) {
      const isReady = waiting.length > 0 && transitBytes < TRANSIT_BYTES_MAX;
      if (isReady) nextMs = Math.min(nextMs, pausedUntilMs);
    }
    return nextMs;
  }

  /** Takes over messages that were taken from a queue, with their references. */
  send(
    from: DeadLetterSource,
    queue: SendingQueue,
    position: number,
    count: number,
    attempts: number,
    letter: Letter,
  ): void {
    const { target } = letter;
    const lane = this.#lanes.get(target) ?? { waiting: [], transitBytes: 0, pausedUntilMs: 0 };
    this.#lanes.set(target, lane);
    lane.waiting.push({ from, queue, position, count, attempts, letter });
    from.leavingCount += count;
    queue.outsideBytes += this.#store.heldBytes(position, count);
  }

  /** Sends batches to main as far as there is room. Returns how many messages. */
  flush(nowMs: number): number {
    let sent = 0;
    for (const [target, lane] of this.#lanes) {
      if (lane.waiting.length === 0) {
        if (lane.transitBytes === 0) this.#lanes.delete(target);
        continue;
      }
      if (nowMs >= lane.pausedUntilMs) sent += this.#flushLane(lane);
    }
    return sent;
  }

  /** Handles main's answer to a record. */
  settle(token: number, isKept: boolean, nowMs: number): void {
    const transit = this.#transit.get(token);
    // Its queue was emptied or deleted meanwhile.
    if (transit === undefined) return;
    const { batches, lane, bytes } = transit;
    this.#transit.delete(token);
    lane.transitBytes -= bytes;
    if (!isKept) {
      lane.waiting.unshift(...batches);
      lane.pausedUntilMs = nowMs + RETRY_MS;
      return;
    }
    for (const batch of batches) {
      this.#leave(batch);
      batch.from.deadLetterCount += batch.count;
      batch.queue.drop(batch.position, batch.count);
    }
  }

  /** Drops the messages of a queue that is emptied or deleted. */
  drop(queue: SendingQueue): void {
    this.#takeAll(queue, ({ position, count }) => this.#store.release(position, count));
  }

  /** Returns the messages of a closing queue to its files, so that it has them when it is opened again. */
  giveBack(queue: SendingQueue): void {
    this.#takeAll(queue, ({ position, count, attempts }) => {
      for (let next = position; next < position + count; next++) {
        if (this.#store.recordNumber(next) === NO_RECORD) {
          queue.backend.put(next, 1, attempts, 0, null);
          continue;
        }
        if (attempts > 0) queue.backend.update(next, attempts, 0);
        this.#store.release(next, 1);
      }
    });
  }

  #takeAll(queue: SendingQueue, take: (batch: Batch) => void): void {
    for (const lane of this.#lanes.values()) {
      const taken = lane.waiting.filter((batch) => batch.queue === queue);
      if (taken.length === 0) continue;
      lane.waiting = lane.waiting.filter((batch) => batch.queue !== queue);
      for (const batch of taken) {
        this.#leave(batch);
        take(batch);
      }
    }
    for (const [token, { batches, lane, bytes }] of this.#transit) {
      if (batches[0].queue !== queue) continue;
      this.#transit.delete(token);
      lane.transitBytes -= bytes;
      for (const batch of batches) {
        this.#leave(batch);
        take(batch);
      }
    }
  }

  /** Releases a batch. */
  #leave({ from, queue, position, count }: Batch): void {
    from.leavingCount -= count;
    queue.outsideBytes -= this.#store.heldBytes(position, count);
  }

  #flushLane(lane: Lane): number {
    const { waiting } = lane;
    let sent = 0;
    let done = 0;
    while (done < waiting.length && lane.transitBytes < TRANSIT_BYTES_MAX) {
      const load = this.#load(waiting, done);
      if (!this.#write(load, lane)) break;
      sent += load.count;
      done += load.batches.length;
      const last = load.batches[load.batches.length - 1];
      const whole = waiting[done - 1];
      if (last.count === whole.count) continue;
      done--;
      const { position, count } = last;
      waiting[done] = { ...whole, position: position + count, count: whole.count - count };
    }
    waiting.splice(0, done);
    return sent;
  }

  /** The number of messages, from a batch on, that go together and fit into a record; at least one. */
  #load(waiting: readonly Batch[], first: number): Load {
    const batches: Batch[] = [];
    let count = 0;
    let bytes = 0;
    for (let index = first; index < waiting.length; index++) {
      const batch = waiting[index];
      if (index > first && !goTogether(batch, waiting[first])) break;
      let fitting = 0;
      while (fitting < batch.count) {
        const next = this.#store.recordBytes(batch.position + fitting);
        if (count + fitting > 0 && bytes + next > RECORD_BYTES_MAX) break;
        bytes += next;
        fitting++;
      }
      if (fitting > 0) batches.push(fitting === batch.count ? batch : { ...batch, count: fitting });
      count += fitting;
      if (fitting < batch.count) break;
    }
    return { batches, count, bytes };
  }

  /** Writes a record. False if the ring has no room. */
  #write({ batches, count, bytes }: Load, lane: Lane): boolean {
    const [{ from, letter }] = batches;
    const head = encodeControl({ ...from.origin, ...letter });
    const ring = this.#ring;
    const offset = ring.claim(FIELD_BYTES + head.length + bytes);
    if (offset === FULL) return false;
    const token = this.#nextToken();
    const word = offset >>> 2;
    ring.words[word + records.DEAD_LETTERS_TOKEN] = token;
    ring.words[word + records.DEAD_LETTERS_COUNT] = count;
    ring.words[word + records.DEAD_LETTERS_HEAD_BYTES] = head.length;
    ring.bytes.set(head, offset + FIELD_BYTES);
    let at = offset + FIELD_BYTES + head.length;
    for (const batch of batches) {
      for (let next = batch.position; next < batch.position + batch.count; next++) {
        const attempts = batch.attempts || this.#store.attempts(next);
        at = this.#store.writeRecord(next, attempts, ring.bytes, at);
      }
    }
    ring.commit(records.DEAD_LETTERS, at - offset);
    this.#transit.set(token, { batches, lane, bytes });
    lane.transitBytes += bytes;
    return true;
  }

  #nextToken(): number {
    this.#lastToken = (this.#lastToken + 1) >>> 0;
    return this.#lastToken;
  }
}

/** Whether two batches for one topic can share a record: its head holds their source and the reason. */
function goTogether(one: Batch, other: Batch): boolean {
  return (
    one.queue === other.queue &&
    one.letter.reason === other.letter.reason &&
    one.letter.isWrapped === other.letter.isWrapped
  );
}
