/**
 * A channel alone, with everything it uses: store, tables, a deliver ring, and consumers.
 *
 * Thread: any.
 */

import { allocateRing } from '../../src/shared/ring/ring.ts';
import type { ChannelPolicy } from '../../src/shared/topic-policy.ts';
import { Channel } from '../../src/workers/pump/channel.ts';
import type { ChannelContext } from '../../src/workers/pump/channel-context.ts';
import { Consumer } from '../../src/workers/pump/consumer.ts';
import { DeadLetters } from '../../src/workers/pump/dead-letters.ts';
import { Deferred } from '../../src/workers/pump/deferred.ts';
import { Delivery } from '../../src/workers/pump/delivery.ts';
import { InFlight } from '../../src/workers/pump/in-flight.ts';
import { MessageQueue } from '../../src/workers/pump/message-queue.ts';
import { PumpMeter } from '../../src/workers/pump/pump-meter.ts';
import { QueueTimers } from '../../src/workers/pump/queue-timers.ts';
import { MessageStore } from '../../src/workers/pump/store/message-store.ts';
import { type DepthBound, NO_BOUND } from '../../src/workers/pump/topic-bound.ts';
import { Undelivered } from '../../src/workers/pump/undelivered.ts';
import { WallClock } from '../../src/workers/pump/wall-clock.ts';
import { DeliverySide } from './delivery-side.ts';
import { idWords } from './message-bytes.ts';
import { meteredThread } from './metered-thread.ts';
import { ListBackend, putInStore } from './pump-parts.ts';
import { channelPolicyWith } from './topic-policies.ts';

export interface ChannelBenchOptions {
  readonly memoryMax: number;
  readonly ringBytes: number;
  readonly maxMsgTimeoutMs: number;
  readonly random: () => number;
  /** Memory for messages. */
  readonly budgetBytes: number;
  readonly bound: DepthBound;
  readonly policy: Partial<ChannelPolicy>;
}

/** Wall clock time at monotonic time 0. */
export const UNIX_MS = 1_000_000_000;

const DEFAULTS: ChannelBenchOptions = {
  memoryMax: 10_000,
  ringBytes: 1024 * 1024,
  maxMsgTimeoutMs: 1000,
  random: () => 0,
  budgetBytes: Number.POSITIVE_INFINITY,
  bound: NO_BOUND,
  policy: {},
};

/** A message that a consumer has received. */
export interface Got {
  readonly consumer: number;
  readonly body: string;
  readonly attempts: number;
  readonly id: string;
}

const CHANNEL = 5;

export class ChannelBench {
  readonly store: MessageStore;
  readonly inFlight = new InFlight(0);
  readonly deferred = new Deferred(0);
  readonly timers = new QueueTimers(0);
  readonly thread = meteredThread();
  readonly meter = new PumpMeter(this.thread, () => UNIX_MS + this.nowMs);
  readonly deadLetters: DeadLetters;
  readonly main: DeliverySide;
  readonly backend: ListBackend;
  readonly channel: Channel;
  /** How often the channel has requested its turn. */
  activations = 0;
  nowMs = 0;
  readonly wallClock = new WallClock(
    () => UNIX_MS + this.nowMs,
    () => this.nowMs,
  );
  #lastConsumer = 0;

  constructor(options: Partial<ChannelBenchOptions> = {}) {
    const complete = { ...DEFAULTS, ...options };
    this.main = new DeliverySide(allocateRing(complete.ringBytes));
    this.store = new MessageStore(complete.budgetBytes);
    this.backend = new ListBackend(this.store);
    const { store, backend, inFlight, deferred } = this;
    this.deadLetters = new DeadLetters(store, this.main.producer);
    const context: ChannelContext<Channel> = {
      deadLetters: this.deadLetters,
      timers: this.timers,
      store,
      inFlight,
      deferred,
      delivery: new Delivery(store, inFlight, this.main.producer, this.meter, complete.random),
      meter: this.meter,
      wallClock: this.wallClock,
      latencyWindow: null,
      maxMsgTimeoutMs: complete.maxMsgTimeoutMs,
      activate: (channel) => {
        channel.isActive = true;
        this.activations++;
      },
    };
    const { memoryMax, bound } = complete;
    const undelivered = new Undelivered({ topic: 't', channel: 'c' }, this.deadLetters);
    const title = 'channel "c"';
    const queue = new MessageQueue({ title, store, backend, memoryMax, bound, undelivered });
    const policy = channelPolicyWith(complete.policy);
    this.channel = new Channel(
      { number: CHANNEL, isPaused: false, queue, undelivered, policy, nowMs: 0 },
      context,
    );
  }

  /** Subscribes a consumer with this ready count. */
  subscribe(readyCount: number, fields: Partial<Consumer> = {}): Consumer {
    const {
      msgTimeoutMs = 100,
      sampleRate = 0,
      windowBytes = 1024 * 1024,
      locality = 'global',
    } = fields;
    this.#lastConsumer++;
    const consumer = new Consumer(
      this.#lastConsumer,
      CHANNEL,
      msgTimeoutMs,
      sampleRate,
      windowBytes,
      locality,
    );
    this.channel.subscribe(consumer);
    this.ready(consumer, readyCount);
    return consumer;
  }

  ready(consumer: Consumer, readyCount: number): void {
    consumer.readyCount = readyCount;
    this.channel.onCapacity(consumer);
  }

  /** Puts messages as the topic does. Returns the first position. */
  put(...bodies: readonly string[]): number {
    const position = putInStore(this.store, bodies);
    this.channel.put(position, bodies.length, null);
    return position;
  }

  /** Delivers as much as possible. Returns what the consumers have received. */
  deliver(limit = 4096): Got[] {
    this.channel.isActive = false;
    this.channel.deliver(limit, this.nowMs);
    return this.take();
  }

  /** The contents of the deliver ring. */
  take(): Got[] {
    this.main.producer.publish();
    return this.main.take().flatMap((heard) => {
      if (!('frames' in heard)) throw new Error('a channel sends frames only');
      return heard.frames.map(({ body, attempts, id }) => ({
        consumer: heard.consumer,
        body,
        attempts,
        id,
      }));
    });
  }

  /** Moves the clock, and fires due timers. */
  advance(byMs: number): void {
    this.nowMs += byMs;
    const { deadlines } = this.inFlight;
    const timedOut = deadlines.expire(this.nowMs);
    for (let i = 0; i < timedOut; i++) this.channel.onTimeout(deadlines.expired[i], this.nowMs);
    const { dueTimes } = this.deferred;
    const due = dueTimes.expire(this.nowMs);
    for (let i = 0; i < due; i++) this.channel.onDue(dueTimes.expired[i]);
    this.timers.fire(this.nowMs);
  }

  finish(consumer: Consumer, id: string): number {
    const outcome = this.channel.finish(consumer, ...idWords(id));
    this.channel.onCapacity(consumer);
    return outcome;
  }

  requeue(consumer: Consumer, id: string, delayMs: number): number {
    const outcome = this.channel.requeue(consumer, ...idWords(id), delayMs, this.nowMs);
    this.channel.onCapacity(consumer);
    return outcome;
  }

  touch(consumer: Consumer, id: string): number {
    return this.channel.touch(consumer, ...idWords(id), this.nowMs);
  }
}
