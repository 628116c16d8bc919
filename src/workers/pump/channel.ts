/**
 * A channel: a queue of messages, the consumers that share it, and the messages they have not answered yet.
 *
 * Seams: the simulator replaces these methods of an instance: `put`, `putDeferred`, `putFromDisk`, `onDeferred`,
 * `deliver`, `finish`, `requeue`, `touch`, `onTimeout`, `onDue`, `empty`, `close`, `delete`.
 * Thread: pump. Source: nsqd `channel.go`.
 */

import { assert } from '../../shared/assert.ts';
import type { Locality } from '../../shared/control.ts';
import { REFUSED_NOT_IN_FLIGHT, REFUSED_NOT_OWNER } from '../../shared/records.ts';
import type { Receipt } from './backend/receipt.ts';
import type { Consumer } from './consumer.ts';
import type { Deferred } from './deferred.ts';
import { BLOCKED, type Delivery, YIELDED } from './delivery.ts';
import { type InFlight, NOT_FOUND } from './in-flight.ts';
import type { MessageQueue } from './message-queue.ts';
import { type LatencyWindow, ProcessingLatency } from './processing-latency.ts';
import { ReadyConsumers } from './ready-consumers.ts';
import type { MessageStore } from './store/message-store.ts';
import { NO_RECORD } from './store/slab.ts';
import type { WallClock } from './wall-clock.ts';

const NS_PER_MS = 1e6;
const NS_PER_SECOND = 1e9;
/** Messages that one consumer gets at most before the next one has its turn. */
const SHARE_MAX = 256;

/** What all channels of a pump thread share. */
export type ChannelContext = {
  readonly store: MessageStore;
  readonly inFlight: InFlight;
  readonly deferred: Deferred;
  readonly delivery: Delivery;
  readonly wallClock: WallClock;
  readonly maxMsgTimeoutMs: number;
  /** Null if processing latencies are not measured. */
  readonly latencyWindow: LatencyWindow | null;
  /** Asks for `deliver` in this turn. */
  readonly activate: (channel: Channel) => void;
};

/** Outcome of FIN, REQ and TOUCH: 0, or a REFUSED_ reason. */
export const ACCEPTED = 0;

export class Channel {
  readonly number: number;
  readonly queue: MessageQueue;
  isPaused: boolean;
  /** Whether it is in the list of channels to deliver from. */
  isActive = false;
  inFlightCount = 0;
  deferredCount = 0;
  /** Messages that came from the topic. */
  messageCount = 0;
  requeueCount = 0;
  timeoutCount = 0;
  /** Messages delivered from memory, by how near their consumers are. */
  readonly takenCounts: Record<Locality, number> = { zone: 0, region: 0, global: 0 };
  /** Times from publish to finish; null until there is one, or if they are not measured. */
  latency: ProcessingLatency | null = null;

  readonly #context: ChannelContext;
  readonly #consumers = new Set<Consumer>();
  readonly #ready = new ReadyConsumers();

  constructor(number: number, isPaused: boolean, queue: MessageQueue, context: ChannelContext) {
    this.number = number;
    this.isPaused = isPaused;
    this.queue = queue;
    this.#context = context;
  }

  get consumers(): ReadonlySet<Consumer> {
    return this.#consumers;
  }

  /** Messages that are not due yet, wherever they are. */
  get allDeferredCount(): number {
    return this.deferredCount + this.queue.backend.deferredCount;
  }

  /**
   * Whether it may read more from its files now: not while memory is full of messages that will leave by themselves.
   */
  get mayRead(): boolean {
    if (this.queue.hasRoom) return true;
    const { depth, backend } = this.queue;
    return this.inFlightCount === 0 && depth === backend.depth && backend.fetched.count === 0;
  }

  /** Takes a run from the topic, with its references. */
  put(position: number, count: number, receipt: Receipt | null): void {
    this.messageCount += count;
    this.#enqueue(position, count, 0, receipt);
  }

  /** Takes a run from the topic that is not to be delivered before `dueMs`. */
  putDeferred(position: number, count: number, dueMs: number, receipt: Receipt | null): void {
    this.messageCount += count;
    if (this.queue.defersToBackend) {
      const unixMs = this.#context.wallClock.unixAt(dueMs);
      this.queue.putToBackend(position, count, 0, unixMs, receipt);
      return;
    }
    for (let i = 0; i < count; i++) this.#addDeferred(position + i, 0, dueMs);
  }

  /**
   * Takes a run that the topic has read from its files, with its references. The receipt waits until the run is safe
   * here. Units: `dueMs` Unix time in ms, 0 for at once.
   */
  putFromDisk(position: number, count: number, dueMs: number, receipt: Receipt): void {
    const { backend } = this.queue;
    if (!backend.isDurable) {
      if (dueMs === 0) this.put(position, count, receipt);
      else this.putDeferred(position, count, this.#context.wallClock.monotonicAt(dueMs), receipt);
      return;
    }
    this.messageCount += count;
    this.queue.putToBackend(position, count, 0, dueMs, receipt);
  }

  /** Takes a message from its files that is not due yet. Units: Unix time in ms. */
  onDeferred(position: number, dueMs: number): void {
    const { store, wallClock } = this.#context;
    const monotonicMs = wallClock.monotonicAt(dueMs);
    if (!this.queue.hasRoom) this.#evict(position, monotonicMs);
    else this.#addDeferred(position, store.attempts(position), monotonicMs);
  }

  /** There is something to read or to take. */
  onReadable(): void {
    this.queue.trim();
    this.#wake();
  }

  subscribe(consumer: Consumer): void {
    this.#consumers.add(consumer);
  }

  /** Removes a consumer. Its messages stay in flight until their deadlines. */
  unsubscribe(consumer: Consumer): void {
    consumer.isClosing = true;
    this.#consumers.delete(consumer);
    this.#ready.delete(consumer);
  }

  /** A consumer may be able to take messages now. */
  onAppetite(consumer: Consumer): void {
    if (consumer.capacity === 0) return;
    this.#ready.add(consumer);
    if (!this.isActive) this.#context.activate(this);
  }

  pause(isPaused: boolean): void {
    this.isPaused = isPaused;
    if (!isPaused) this.#context.activate(this);
  }

  /**
   * Delivers up to `limit` messages. Returns how many left the queue, BLOCKED when the deliver ring is full, or YIELDED
   * when so much is in it that the other channels are next. Fewer than `limit` means that there is nothing more to do
   * until something changes.
   */
  deliver(limit: number, nowMs: number): number {
    let delivered = 0;
    while (delivered < limit && !this.isPaused && !this.#ready.isEmpty && this.queue.look()) {
      if (delivered > 0 && !this.#context.delivery.maySendMore) return YIELDED;
      const consumer = this.#ready.next();
      if (consumer === undefined) break;
      const fair = Math.ceil(this.queue.depth / this.#ready.equalCount(consumer));
      const share = Math.min(consumer.capacity, fair, SHARE_MAX);
      const inFlightBefore = consumer.inFlightCount;
      const taken = this.#context.delivery.send(consumer, this.queue, share, nowMs);
      if (taken === BLOCKED) return BLOCKED;
      assert(taken > 0, 'a consumer with capacity takes a message');
      this.inFlightCount += consumer.inFlightCount - inFlightBefore;
      this.takenCounts[consumer.locality] += this.#context.delivery.fromMemory;
      delivered += taken;
      // Its next turn comes after the others.
      this.#ready.delete(consumer);
      if (consumer.capacity > 0) this.#ready.add(consumer);
    }
    return delivered;
  }

  finish(consumer: Consumer, idHigh: number, idLow: number): number {
    const { inFlight, latencyWindow } = this.#context;
    const entry = inFlight.find(consumer, idHigh, idLow);
    if (entry === NOT_FOUND) return REFUSED_NOT_IN_FLIGHT;
    if (inFlight.consumer(entry) !== consumer) return REFUSED_NOT_OWNER;
    const position = inFlight.position(entry);
    this.#removeInFlight(entry);
    if (latencyWindow !== null) this.#measureLatency(position, latencyWindow);
    this.queue.drop(position, 1);
    consumer.finishCount++;
    return ACCEPTED;
  }

  /** Units: `delayMs` 0 means at once, at the end of the queue. */
  requeue(
    consumer: Consumer,
    idHigh: number,
    idLow: number,
    delayMs: number,
    nowMs: number,
  ): number {
    const { inFlight } = this.#context;
    const entry = inFlight.find(consumer, idHigh, idLow);
    if (entry === NOT_FOUND) return REFUSED_NOT_IN_FLIGHT;
    if (inFlight.consumer(entry) !== consumer) return REFUSED_NOT_OWNER;
    const position = inFlight.position(entry);
    const attempts = inFlight.attempts(entry);
    this.#removeInFlight(entry);
    consumer.requeueCount++;
    this.requeueCount++;
    if (delayMs === 0) this.#putBack(position, attempts);
    else this.#defer(position, attempts, nowMs + delayMs);
    return ACCEPTED;
  }

  touch(consumer: Consumer, idHigh: number, idLow: number, nowMs: number): number {
    const { inFlight, maxMsgTimeoutMs } = this.#context;
    const entry = inFlight.find(consumer, idHigh, idLow);
    if (entry === NOT_FOUND) return REFUSED_NOT_IN_FLIGHT;
    if (inFlight.consumer(entry) !== consumer) return REFUSED_NOT_OWNER;
    inFlight.touch(entry, nowMs, maxMsgTimeoutMs);
    return ACCEPTED;
  }

  /** A message in flight has timed out: it goes to the end of the queue. */
  onTimeout(entry: number): void {
    const { inFlight } = this.#context;
    const consumer = inFlight.consumer(entry);
    const position = inFlight.position(entry);
    const attempts = inFlight.attempts(entry);
    this.#removeInFlight(entry);
    this.timeoutCount++;
    this.#putBack(position, attempts);
    this.onAppetite(consumer);
  }

  /** A deferred message is due. */
  onDue(entry: number): void {
    const { deferred } = this.#context;
    const isEvicted = deferred.isEvicted(entry);
    const number = deferred.recordNumber(entry);
    const position = deferred.position(entry);
    const attempts = deferred.attempts(entry);
    this.#removeDeferred(entry);
    if (isEvicted) {
      this.queue.backend.reread(number);
      this.#wake();
    } else if (this.#isOnDisk(position)) this.#return(position, attempts);
    else this.#enqueue(position, 1, attempts, null);
  }

  /** Drops all messages: waiting, in flight and deferred. */
  empty(done: (error: string | null) => void): void {
    this.#dropHeld();
    this.queue.empty(done);
    for (const consumer of this.#consumers) this.onAppetite(consumer);
  }

  /**
   * Closes the channel and keeps all messages in the files: in-flight and waiting ones with their attempts, deferred
   * ones with their due times too.
   */
  close(done: (error: string | null) => void): void {
    const { store, wallClock } = this.#context;
    const { backend } = this.queue;
    this.#collectHeld((position, attempts, dueMs) => {
      const unixMs = dueMs === 0 ? 0 : wallClock.unixAt(dueMs);
      if (!this.#isOnDisk(position)) {
        backend.put(position, 1, attempts, unixMs, null);
        return;
      }
      backend.update(position, attempts, unixMs);
      store.release(position, 1);
    });
    this.queue.spill();
    backend.close(done);
  }

  delete(done: (error: string | null) => void): void {
    this.#dropHeld();
    this.queue.dropMemory();
    this.queue.backend.delete(done);
  }

  #enqueue(position: number, count: number, attempts: number, receipt: Receipt | null): void {
    this.queue.put(position, count, attempts, attempts, 0, receipt);
    this.#wake();
  }

  #return(position: number, attempts: number): void {
    this.queue.putBack(position, attempts);
    this.#wake();
  }

  /** Asks for a delivery in this turn, if a consumer is ready. */
  #wake(): void {
    if (!this.isActive && !this.#ready.isEmpty) this.#context.activate(this);
  }

  /** A message that was in flight goes to the end of the queue. If it is on disk, its record gets the attempts. */
  #putBack(position: number, attempts: number): void {
    if (this.#isOnDisk(position)) {
      this.queue.backend.update(position, attempts, 0);
      this.#return(position, attempts);
    } else {
      this.#enqueue(position, 1, attempts, null);
    }
  }

  #isOnDisk(position: number): boolean {
    return this.queue.backend.isDurable && this.#context.store.recordNumber(position) !== NO_RECORD;
  }

  #measureLatency(position: number, { windowMs, unixNs }: LatencyWindow): void {
    const nowNs = unixNs();
    this.latency ??= new ProcessingLatency(windowMs, nowNs / NS_PER_MS);
    const publishedNs = this.#context.store.timestampSeconds(position) * NS_PER_SECOND;
    this.latency.add(nowNs - publishedNs, nowNs / NS_PER_MS);
  }

  #defer(position: number, attempts: number, dueMs: number): void {
    const { store, wallClock } = this.#context;
    const { queue } = this;
    const unixMs = wallClock.unixAt(dueMs);
    const isOnDisk = this.#isOnDisk(position);
    if (isOnDisk) queue.backend.update(position, attempts, unixMs);
    if (isOnDisk && !queue.hasRoom) this.#evict(position, dueMs);
    else if (!isOnDisk && queue.defersToBackend) {
      queue.putToBackend(position, 1, attempts, unixMs, null);
    } else this.#addDeferred(store.moveToLasting(position), attempts, dueMs);
  }

  /** Releases the memory of a deferred message that is in the files; it is reread when it is due. */
  #evict(position: number, dueMs: number): void {
    const { store, deferred } = this.#context;
    deferred.addEvicted(this.number, store.recordNumber(position), dueMs);
    store.release(position, 1);
    this.deferredCount++;
  }

  #addDeferred(position: number, attempts: number, dueMs: number): void {
    const { store, deferred } = this.#context;
    deferred.add(this.number, position, attempts, dueMs);
    this.queue.outsideBytes += store.heldBytes(position, 1);
    this.deferredCount++;
  }

  #removeDeferred(entry: number): void {
    const { store, deferred } = this.#context;
    if (!deferred.isEvicted(entry)) {
      this.queue.outsideBytes -= store.heldBytes(deferred.position(entry), 1);
    }
    deferred.remove(entry);
    this.deferredCount--;
  }

  #removeInFlight(entry: number): void {
    const { inFlight } = this.#context;
    this.queue.outsideBytes -= inFlight.frameBytes(entry);
    inFlight.remove(entry);
    this.inFlightCount--;
  }

  #dropHeld(): void {
    const { store } = this.#context;
    this.#collectHeld((position) => store.release(position, 1));
  }

  /** Empties both tables. `take` gets what is in flight (due at 0) or deferred, except what only the files have. */
  #collectHeld(take: (position: number, attempts: number, dueMs: number) => void): void {
    const { inFlight, deferred } = this.#context;
    if (this.inFlightCount > 0) {
      inFlight.forEach((entry, consumer) => {
        if (consumer.channelNumber !== this.number) return;
        const position = inFlight.position(entry);
        const attempts = inFlight.attempts(entry);
        this.#removeInFlight(entry);
        take(position, attempts, 0);
      });
    }
    if (this.deferredCount > 0) {
      deferred.forEach((entry, channelNumber) => {
        if (channelNumber !== this.number) return;
        const isEvicted = deferred.isEvicted(entry);
        const position = deferred.position(entry);
        const attempts = deferred.attempts(entry);
        const dueMs = deferred.dueMs(entry);
        this.#removeDeferred(entry);
        if (!isEvicted) take(position, attempts, dueMs);
      });
    }
  }
}
