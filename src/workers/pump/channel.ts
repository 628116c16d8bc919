/**
 * A channel: a queue of messages, the consumers that share it, and its messages in flight and deferred.
 *
 * Seams: the simulator replaces these methods of an instance: `put`, `putDeferred`, `putFromDisk`, `onDeferred`,
 * `deliver`, `finish`, `requeue`, `touch`, `onTimeout`, `onDue`, `empty`, `close`, `delete`.
 * Thread: pump. Source: nsqd `channel.go`.
 */

import { assert } from '../../shared/assert.ts';
import { type Locality, newChannelTallies } from '../../shared/control.ts';
import type { ChannelPolicy } from '../../shared/topic-policy.ts';
import type { Receipt } from './backend/append-lane.ts';
import type { ChannelContext, ChannelOptions } from './channel-context.ts';
import { type Consumer, ReadyConsumers } from './consumer.ts';
import type { Reason } from './dead-letters.ts';
import { BLOCKED, YIELDED } from './delivery.ts';
import { DeliveryRules } from './delivery-rules.ts';
import { HeldMessages } from './held-messages.ts';
import type { MessageQueue } from './message-queue.ts';
import { type LatencyWindow, ProcessingLatency } from './processing-latency.ts';
import { AgeWatch, type TimerOwner } from './queue-timers.ts';
import type { Undelivered } from './undelivered.ts';

/** Most messages for one consumer before the next one's turn. */
const SHARE_MAX = 256;

/** Outcome of FIN, REQ and TOUCH: 0, or a REFUSED_ reason. */
export const ACCEPTED = 0;

export class Channel implements TimerOwner {
  readonly number: number;
  readonly queue: MessageQueue;
  isPaused: boolean;
  /** Whether it is in the list of channels to deliver from. */
  isActive = false;
  /** Messages received from the topic. */
  messageCount = 0;
  readonly tallies = newChannelTallies();
  /** Messages delivered from memory, by the locality of their consumers. */
  readonly takenCounts: Record<Locality, number> = { zone: 0, region: 0, global: 0 };
  /** Times from publish to finish; null before the first one, or if they are not measured. */
  latency: ProcessingLatency | null = null;
  /** Handles messages that are not delivered. */
  readonly undelivered: Undelivered;
  readonly #context: ChannelContext<Channel>;
  /** Its messages in flight and deferred. */
  readonly held: HeldMessages;
  readonly #ages: AgeWatch;
  readonly rules: DeliveryRules;
  readonly #consumers = new Set<Consumer>();
  readonly #ready = new ReadyConsumers();

  constructor(options: ChannelOptions, context: ChannelContext<Channel>) {
    this.number = options.number;
    this.isPaused = options.isPaused;
    this.queue = options.queue;
    this.undelivered = options.undelivered;
    this.#context = context;
    this.#ages = new AgeWatch(this.queue, context.wallClock, context.timers);
    this.held = new HeldMessages(this.number, this.queue, this.#ages, context);
    this.rules = new DeliveryRules(this.queue, options.policy, options.nowMs);
    this.setPolicy(options.policy, options.nowMs);
  }

  get inFlightCount(): number {
    return this.held.inFlightCount;
  }

  get deferredCount(): number {
    return this.held.deferred.count;
  }

  /** Applies a policy, except the bounds of the queue. Units: `nowMs` in ms, monotonic. */
  setPolicy(policy: ChannelPolicy, nowMs: number): void {
    this.undelivered.setPolicy(policy);
    this.queue.setTtl(policy.messageTtlMs, this.#context.wallClock);
    this.rules.setPolicy(policy, nowMs);
    this.#ages.look();
    this.#wake();
  }

  get consumers(): ReadonlySet<Consumer> {
    return this.#consumers;
  }

  /** Messages that are not due yet, in memory or on disk. */
  get allDeferredCount(): number {
    return this.deferredCount + this.queue.backend.deferredCount;
  }

  /** Whether it may read more from its files now: not while memory is full of messages that will leave without it. */
  get mayRead(): boolean {
    if (this.queue.hasRoom) return true;
    const { depth, backend } = this.queue;
    return this.inFlightCount === 0 && depth === backend.depth && backend.fetched.count === 0;
  }

  /** How many more messages its consumers could take now. */
  get capacity(): number {
    return this.isPaused ? 0 : this.rules.capacity(this.#ready.capacity, this.inFlightCount);
  }

  /** Receives a run from the topic, with its references. */
  put(position: number, count: number, receipt: Receipt | null): void {
    this.messageCount += count;
    this.#enqueue(position, count, 0, receipt);
  }

  /** Receives a run from the topic that must not be delivered before `dueMs`. */
  putDeferred(position: number, count: number, dueMs: number, receipt: Receipt | null): void {
    this.messageCount += count;
    if (!this.queue.mayDeferInMemory()) {
      const unixMs = this.#context.wallClock.unixAt(dueMs);
      this.queue.putToBackend(position, count, 0, unixMs, receipt);
      return;
    }
    for (let i = 0; i < count; i++) this.held.deferred.add(position + i, 0, dueMs);
  }

  /**
   * Receives a run that the topic has read from its files, with its references. The receipt waits until the run is
   * safe here. Units: `dueMs` Unix time in ms, 0 for at once.
   */
  putFromDisk(position: number, count: number, dueMs: number, receipt: Receipt | null): void {
    const { backend } = this.queue;
    if (!backend.isDurable) {
      if (dueMs === 0) this.put(position, count, receipt);
      else this.putDeferred(position, count, this.#context.wallClock.dueAt(dueMs), receipt);
      return;
    }
    this.messageCount += count;
    this.queue.putToBackend(position, count, 0, dueMs, receipt);
  }

  /** Receives a message from its files that is not due yet. Units: Unix time in ms. */
  onDeferred(position: number, dueMs: number): void {
    const { store, wallClock } = this.#context;
    const monotonicMs = wallClock.dueAt(dueMs);
    if (!this.queue.hasRoom) this.held.deferred.addOnDisk(position, monotonicMs);
    else this.held.deferred.add(position, store.attempts(position), monotonicMs);
  }

  /** Messages can be read or taken. */
  onReadable(): void {
    this.queue.trim();
    this.#ages.look();
    this.#wake();
  }

  /** The rate limit allows more. */
  onTimer(): number {
    this.#wake();
    return 1;
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

  /** A consumer may have capacity now. */
  onCapacity(consumer: Consumer): void {
    if (consumer.capacity === 0) return;
    this.#ready.add(consumer);
    if (!this.isActive) this.#context.activate(this);
  }

  pause(isPaused: boolean): void {
    this.isPaused = isPaused;
    if (!isPaused) this.#context.activate(this);
  }

  /**
   * Delivers up to `limit` messages. Returns how many left the queue, BLOCKED if the deliver ring is full, or YIELDED
   * if it holds so much that other channels go first. Fewer than `limit` means that there is nothing more to do until
   * something changes.
   */
  deliver(limit: number, nowMs: number): number {
    let delivered = 0;
    this.rules.isBehind = false;
    while (delivered < limit && !this.isPaused && !this.#ready.isEmpty && this.rules.look()) {
      if (delivered > 0 && !this.#context.delivery.maySendMore) return YIELDED;
      const consumer = this.#ready.next();
      if (consumer === undefined) break;
      const fair = Math.ceil(this.queue.depth / this.#ready.equalCount(consumer));
      const wanted = Math.min(consumer.capacity, fair, SHARE_MAX);
      const share = this.rules.allowed(wanted, this.inFlightCount, nowMs);
      if (share === 0) {
        this.#context.timers.set(this, this.rules.nextMs);
        break;
      }
      const inFlightBefore = consumer.inFlightCount;
      const taken = this.#context.delivery.send(consumer, this.queue, share, nowMs);
      if (taken === BLOCKED) return BLOCKED;
      assert(taken > 0, 'a consumer with capacity takes a message');
      const sent = consumer.inFlightCount - inFlightBefore;
      this.held.inFlightCount += sent;
      this.rules.onSent(sent);
      this.takenCounts[consumer.locality] += this.#context.delivery.fromMemory;
      delivered += taken;
      // Its next turn comes after the others.
      this.#ready.delete(consumer);
      if (consumer.capacity > 0) this.#ready.add(consumer);
    }
    return this.rules.isBehind ? YIELDED : delivered;
  }

  finish(consumer: Consumer, idHigh: number, idLow: number): number {
    const { inFlight, latencyWindow, meter } = this.#context;
    const entry = this.held.find(consumer, idHigh, idLow);
    if (entry < 0) return -entry;
    meter.onFinished(inFlight.deliveredMs(entry));
    const position = inFlight.position(entry);
    this.#removeInFlight(entry);
    if (latencyWindow !== null) this.#measureLatency(position, latencyWindow);
    this.queue.drop(position, 1);
    consumer.finishCount++;
    return ACCEPTED;
  }

  /** Requeues a message. Units: `delayMs` 0 means at once, at the end of the queue. */
  requeue(
    consumer: Consumer,
    idHigh: number,
    idLow: number,
    delayMs: number,
    nowMs: number,
  ): number {
    const { inFlight } = this.#context;
    const entry = this.held.find(consumer, idHigh, idLow);
    if (entry < 0) return -entry;
    const position = inFlight.position(entry);
    const attempts = inFlight.attempts(entry);
    this.#removeInFlight(entry);
    consumer.requeueCount++;
    this.tallies.requeueCount++;
    this.#tryAgain(position, attempts, delayMs, nowMs);
    return ACCEPTED;
  }

  touch(consumer: Consumer, idHigh: number, idLow: number, nowMs: number): number {
    const { inFlight, maxMsgTimeoutMs } = this.#context;
    const entry = this.held.find(consumer, idHigh, idLow);
    if (entry < 0) return -entry;
    inFlight.touch(entry, nowMs, maxMsgTimeoutMs);
    return ACCEPTED;
  }

  /** A message in flight has timed out: it goes to the end of the queue, at once or after the backoff. */
  onTimeout(entry: number, nowMs: number): void {
    const { inFlight } = this.#context;
    const consumer = inFlight.consumer(entry);
    const position = inFlight.position(entry);
    const attempts = inFlight.attempts(entry);
    this.#removeInFlight(entry);
    this.tallies.timeoutCount++;
    this.#tryAgain(position, attempts, this.rules.retryDelayMs(attempts), nowMs);
    this.onCapacity(consumer);
  }

  /** A deferred message is due. */
  onDue(entry: number): void {
    const { deferred } = this.#context;
    const isEvicted = deferred.isEvicted(entry);
    const number = deferred.recordNumber(entry);
    const position = deferred.position(entry);
    const attempts = deferred.attempts(entry);
    this.held.deferred.remove(entry);
    if (isEvicted) {
      this.queue.backend.reread(number);
      this.#wake();
    } else if (this.queue.ages?.isExpired(position)) this.#discard(position, attempts, 'expired');
    else if (this.queue.waiting.isOnDisk(position)) this.#return(position, attempts);
    else this.#enqueue(position, 1, attempts, null);
  }

  /** Defers a message that is in no place, with its reference. Units: `dueMs` in ms, monotonic. */
  defer(position: number, attempts: number, dueMs: number): void {
    const { store, wallClock } = this.#context;
    const { queue } = this;
    const unixMs = wallClock.unixAt(dueMs);
    if (this.held.tryGiveBack(position, unixMs)) return;
    const isOnDisk = this.queue.waiting.isOnDisk(position);
    if (isOnDisk) queue.backend.update(position, attempts, unixMs);
    if (isOnDisk && !queue.hasRoom) this.held.deferred.addOnDisk(position, dueMs);
    else if (!isOnDisk && !queue.mayDeferInMemory()) {
      queue.ages?.leaveMemory(position, 1);
      queue.putToBackend(position, 1, attempts, unixMs, null);
    } else {
      const lasting = store.moveToLasting(position);
      queue.ages?.move(position, lasting);
      this.held.deferred.add(lasting, attempts, dueMs);
    }
  }

  /** Drops all messages: waiting, in flight and deferred. */
  empty(done: (error: string | null) => void): void {
    this.#drop();
    this.queue.empty(done);
    for (const consumer of this.#consumers) this.onCapacity(consumer);
  }

  /**
   * Closes the channel and keeps all messages in the files: in-flight and waiting ones with their attempts, deferred
   * ones with their due times too.
   */
  close(done: (error: string | null) => void): void {
    const { store, wallClock } = this.#context;
    const { backend } = this.queue;
    this.#endAlarms();
    this.#context.deadLetters.giveBack(this.queue);
    this.held.collect((position, attempts, dueMs) => {
      const unixMs = dueMs === 0 ? 0 : wallClock.unixAt(dueMs);
      if (!this.queue.waiting.isOnDisk(position)) {
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
    this.#endAlarms();
    this.#drop();
    this.queue.dropMemory();
    this.queue.backend.delete(done);
  }

  #enqueue(position: number, count: number, attempts: number, receipt: Receipt | null): void {
    this.#ages.expect(position);
    this.queue.put(position, count, attempts, attempts, 0, receipt);
    this.#wake();
  }

  #return(position: number, attempts: number): void {
    this.#ages.expect(position);
    this.queue.putBack(position, attempts);
    this.#wake();
  }

  /** Schedules a delivery in this turn if a consumer is ready. */
  #wake(): void {
    if (!this.isActive && !this.#ready.isEmpty) this.#context.activate(this);
  }

  /** Requeues a message that was in flight, after the delay, unless it has used all its attempts. */
  #tryAgain(position: number, attempts: number, delayMs: number, nowMs: number): void {
    if (this.rules.isExhausted(attempts)) this.#discard(position, attempts, 'attempts');
    else if (delayMs === 0) this.#putBack(position, attempts);
    else this.defer(position, attempts, nowMs + delayMs);
  }

  /** A message that was in flight goes to the end of the queue. If it is on disk, its record gets the attempts. */
  #putBack(position: number, attempts: number): void {
    if (this.queue.ages?.isExpired(position)) this.#discard(position, attempts, 'expired');
    else if (this.held.tryGiveBack(position, 0)) return;
    else if (this.queue.waiting.isOnDisk(position)) {
      this.queue.backend.update(position, attempts, 0);
      this.#return(position, attempts);
    } else this.#enqueue(position, 1, attempts, null);
  }

  #measureLatency(position: number, window: LatencyWindow): void {
    const nowNs = window.unixNs();
    this.latency ??= ProcessingLatency.since(window, nowNs);
    this.latency.addPublished(this.#context.store.timestampSeconds(position), nowNs);
  }

  #removeInFlight(entry: number): void {
    this.held.removeInFlight(entry);
    // Another consumer may have waited for this.
    if (this.rules.isThrottled) this.#wake();
  }

  #drop(): void {
    this.#context.deadLetters.drop(this.queue);
    this.held.drop();
  }

  #discard(position: number, attempts: number, reason: Reason): void {
    this.undelivered.discard(this.queue, position, 1, attempts, reason);
  }

  #endAlarms(): void {
    this.#ages.end();
    this.#context.timers.delete(this);
  }
}
