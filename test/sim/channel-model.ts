/**
 * A channel as a map from messages to the one place where each is, and the rules for moves between places.
 *
 * Units: times in ms, monotonic.
 * Thread: any.
 */

import assert from 'node:assert/strict';
import type { QueueModel } from './queue-model.ts';

/** The one place where a message of a channel is. */
type Held = {
  place: 'queued' | 'in flight' | 'deferred';
  attempts: number;
  /** For a message in flight. */
  consumer: number;
  id: string;
  deliveredMs: number;
  /** When a message in flight times out, or a deferred one is due. */
  deadlineMs: number;
  /** How often it has changed its place, including moves within the queue. */
  moves: number;
};

/** A consumer as the channel sees it. */
export type ConsumerModel = { readonly number: number; readonly msgTimeoutMs: number };

/** The outcomes of FIN, REQ and TOUCH; the numbers are those of `shared/records.ts`. */
export type Outcome = 0 | 1 | 2;

/** Ticks of the timing wheel round a deadline up. */
const TICK_MS = 1;

export class ChannelModel {
  readonly number: number;
  /** Name of its disk queue. */
  readonly queueName: string;
  readonly queue: QueueModel;
  readonly held = new Map<number, Held>();
  messageCount = 0;
  requeueCount = 0;
  timeoutCount = 0;
  /** Messages that were sampled out; which ones shows only when a later one is delivered. */
  sampledOut = 0;
  /** Counts of messages that are gone. */
  finished = 0;
  dropped = 0;
  /** Unanswered requests to empty it. */
  emptyings = 0;
  /** Until the disk queue has said how much it holds from an earlier life. */
  isOpening = false;
  /** Messages that it began with. */
  adopted = 0;

  readonly #maxMsgTimeoutMs: number;
  /** Keys by id. */
  readonly #inFlight = new Map<string, number>();
  readonly #deferred = new Set<number>();
  /** In flight, by consumer. */
  readonly #counts = new Map<number, number>();

  constructor(number: number, queueName: string, queue: QueueModel, maxMsgTimeoutMs: number) {
    this.number = number;
    this.queueName = queueName;
    this.queue = queue;
    this.#maxMsgTimeoutMs = maxMsgTimeoutMs;
  }

  /** Messages in the queue, as far as the channel's counters go. */
  get depth(): number {
    return this.held.size - this.inFlightCount - this.deferredCount - this.sampledOut;
  }

  get inFlightCount(): number {
    return this.#inFlight.size;
  }

  get deferredCount(): number {
    return this.#deferred.size;
  }

  /** Of the deferred ones, those that are on disk and not read. */
  get deferredOnDiskCount(): number {
    return this.queue.later.size;
  }

  inFlightOf(consumer: number): number {
    return this.#counts.get(consumer) ?? 0;
  }

  put(key: number): void {
    this.#add(key, 'queued', 0);
  }

  putDeferred(key: number, dueMs: number): void {
    this.#add(key, 'deferred', dueMs);
    this.#deferred.add(key);
  }

  /** A message goes into the queue from its previous place. */
  onQueued(key: number): void {
    const held = this.#get(key);
    assert.equal(held.place, 'queued', `message ${key} is free to be queued`);
    held.moves++;
  }

  /** It goes to the backend, with the time at which it is due, or 0. */
  onBackend(key: number, dueMs: number): void {
    const held = this.#get(key);
    const { place, deadlineMs } = held;
    held.moves++;
    assert.equal(place, dueMs > 0 ? 'deferred' : 'queued', `message ${key} goes to disk as it is`);
    if (dueMs > 0) assertRoundedUp(dueMs, deadlineMs);
  }

  /** It was read from disk before its time, or after it. */
  onRead(key: number, dueMs: number, nowMs: number): void {
    const held = this.#get(key);
    held.moves++;
    if (dueMs > 0) {
      assert.equal(held.place, 'deferred', `message ${key} is deferred on disk`);
      assertRoundedUp(dueMs, held.deadlineMs);
      held.deadlineMs = dueMs;
    } else if (held.place === 'deferred') {
      assert.ok(nowMs >= held.deadlineMs, `message ${key} is read as due in its time`);
      held.place = 'queued';
      this.#deferred.delete(key);
    }
    this.queue.onRead(key, dueMs > 0);
  }

  /** From now on it is only on disk, to be read again. */
  reread(key: number): void {
    this.#get(key).moves++;
    this.queue.reread(key);
  }

  deliver(key: number, id: string, attempts: number, consumer: ConsumerModel, nowMs: number): void {
    const held = this.#get(key);
    assert.equal(held.place, 'queued', `message ${key} is delivered from the queue`);
    assert.equal(attempts, held.attempts + 1, `message ${key} is sent once more than before`);
    const { skipped } = this.queue.take(key, this.sampledOut);
    for (const other of skipped) this.#remove(other);
    this.dropped += skipped.length;
    this.sampledOut -= skipped.length;
    assert.ok(!this.#inFlight.has(id), `id ${id} is in flight once`);
    held.place = 'in flight';
    held.moves++;
    held.attempts = attempts;
    held.consumer = consumer.number;
    held.id = id;
    held.deliveredMs = nowMs;
    held.deadlineMs = nowMs + consumer.msgTimeoutMs;
    this.#inFlight.set(id, key);
    this.#counts.set(consumer.number, this.inFlightOf(consumer.number) + 1);
  }

  finish(consumer: number, id: string): Outcome {
    const outcome = this.#outcome(consumer, id);
    if (outcome !== 0) return outcome;
    this.#remove(this.#land(id, 'queued'));
    this.finished++;
    return 0;
  }

  /** `dueMs` is null for a requeue at once. */
  requeue(consumer: number, id: string, dueMs: number | null): Outcome {
    const outcome = this.#outcome(consumer, id);
    if (outcome !== 0) return outcome;
    this.requeueCount++;
    const key = this.#land(id, dueMs === null ? 'queued' : 'deferred');
    if (dueMs === null) return 0;
    this.#get(key).deadlineMs = dueMs;
    this.#deferred.add(key);
    return 0;
  }

  touch(consumer: ConsumerModel, id: string, nowMs: number): Outcome {
    const outcome = this.#outcome(consumer.number, id);
    if (outcome !== 0) return outcome;
    const held = this.#get(this.#keyOf(id));
    const latestMs = held.deliveredMs + this.#maxMsgTimeoutMs;
    held.deadlineMs = Math.min(nowMs + consumer.msgTimeoutMs, latestMs);
    return 0;
  }

  timeOut(key: number, nowMs: number): void {
    const held = this.#get(key);
    assert.equal(held.place, 'in flight', `message ${key} times out in flight`);
    assert.ok(nowMs >= held.deadlineMs, `message ${key} times out in its time`);
    this.#land(held.id, 'queued');
    this.timeoutCount++;
  }

  fallDue(key: number, nowMs: number): void {
    const held = this.#get(key);
    assert.equal(held.place, 'deferred', `message ${key} falls due where it is deferred`);
    assert.ok(nowMs >= held.deadlineMs, `message ${key} falls due in its time`);
    held.place = 'queued';
    held.moves++;
    this.#deferred.delete(key);
  }

  /** The message is gone: dropped by a rule, or refused. */
  drop(key: number): void {
    this.#remove(key);
    this.queue.drop(key);
    this.dropped++;
  }

  /** Everything is gone. */
  clear(): void {
    this.dropped += this.held.size;
    this.held.clear();
    this.#forgetTimes();
    this.queue.clear();
    this.sampledOut = 0;
  }

  /** What is in flight joins what is in memory, to go to disk with it; what is deferred goes there as it is. */
  gather(): void {
    for (const [key, held] of this.held) {
      if (held.place !== 'in flight') continue;
      held.place = 'queued';
      this.queue.memory.push(key);
    }
    this.#inFlight.clear();
    this.#counts.clear();
  }

  /** It is closed: what is still in memory is on disk all the same, or was sampled out of it. */
  seal(): void {
    const { memory, onDisk, unordered, later } = this.queue;
    for (const key of memory.splice(0)) {
      if (onDisk.has(key)) {
        unordered.add(key);
        continue;
      }
      this.#remove(key);
      this.dropped++;
      this.sampledOut--;
    }
    assert.ok(this.sampledOut >= 0, 'everything in memory goes to disk');
    for (const key of this.#deferred) {
      assert.ok(onDisk.has(key), `deferred message ${key} goes to disk`);
      later.add(key);
    }
  }

  /** Continues with what a channel of an earlier life has left on disk. */
  adopt(other: ChannelModel): void {
    this.queue.adopt(other.queue);
    for (const [key, held] of other.held) this.held.set(key, { ...held });
    for (const key of other.#deferred) this.#deferred.add(key);
    this.adopted = this.held.size;
    this.sampledOut = other.sampledOut;
    this.isOpening = true;
  }

  /**
   * Checks that nothing is overdue, and that nothing has got lost between the places. `isBehind`: so much was due at once
   * that some of it is left to the next turn.
   */
  check(nowMs: number, isBehind: boolean): void {
    if (!isBehind) this.#checkTimes(nowMs);
    assert.equal(this.queue.count, this.held.size - this.inFlightCount - this.deferredCount);
    const present = this.held.size;
    assert.equal(this.adopted + this.messageCount, this.finished + this.dropped + present);
  }

  #checkTimes(nowMs: number): void {
    for (const key of this.#inFlight.values()) this.#checkTime(key, nowMs);
    for (const key of this.#deferred) {
      // What nobody has asked for is not read.
      if (!this.queue.later.has(key)) this.#checkTime(key, nowMs);
    }
  }

  #checkTime(key: number, nowMs: number): void {
    const { place, deadlineMs } = this.#get(key);
    const isInTime = nowMs < deadlineMs + TICK_MS;
    assert.ok(isInTime, `message ${key} is no longer ${place} after its time`);
  }

  #forgetTimes(): void {
    this.#inFlight.clear();
    this.#deferred.clear();
    this.#counts.clear();
  }

  #add(key: number, place: 'queued' | 'deferred', deadlineMs: number): void {
    assert.ok(!this.held.has(key), `message ${key} comes to a channel once`);
    const delivery = { attempts: 0, consumer: 0, id: '', deliveredMs: 0 };
    const held: Held = { place, ...delivery, deadlineMs, moves: 0 };
    this.held.set(key, held);
    this.messageCount++;
  }

  #outcome(consumer: number, id: string): Outcome {
    const key = this.#inFlight.get(id);
    if (key === undefined) return 1;
    return this.#get(key).consumer === consumer ? 0 : 2;
  }

  /** A message in flight returns. */
  #land(id: string, place: 'queued' | 'deferred'): number {
    const key = this.#keyOf(id);
    const held = this.#get(key);
    this.#inFlight.delete(id);
    this.#counts.set(held.consumer, this.inFlightOf(held.consumer) - 1);
    held.place = place;
    held.moves++;
    return key;
  }

  #keyOf(id: string): number {
    const key = this.#inFlight.get(id);
    assert.ok(key !== undefined, `id ${id} is in flight`);
    return key;
  }

  #get(key: number): Held {
    const held = this.held.get(key);
    assert.ok(held !== undefined, `message ${key} is in channel ${this.queueName}`);
    return held;
  }

  #remove(key: number): void {
    assert.ok(this.held.delete(key), `message ${key} is in channel ${this.queueName}`);
    this.#deferred.delete(key);
    this.queue.onDisk.delete(key);
  }
}

/** Due times go to disk in whole ms, and through two clocks. */
export function assertRoundedUp(dueMs: number, exactMs: number): void {
  const isRounded = dueMs >= exactMs - 0.01 && dueMs < exactMs + 3 * TICK_MS;
  assert.ok(isRounded, `a message due at ${exactMs} is not due at ${dueMs}`);
}
