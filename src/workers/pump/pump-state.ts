/**
 * The topics, channels and consumers of a pump thread by number, their messages, and the lists of those with work.
 *
 * Seams: the simulator replaces `addTopic` and `addChannel` of an instance, to watch what they add.
 * Thread: pump.
 */

import { assert } from '../../shared/assert.ts';
import { MessageIdFactory } from '../../shared/message-id.ts';
import type { RingWriter } from '../../shared/ring/ring.ts';
import { type ChannelPolicy, replicationOf, type TopicPolicy } from '../../shared/topic-policy.ts';
import type { Backend } from './backend/backend.ts';
import type { DiskLink } from './backend/disk-link.ts';
import { type BacklogBounds, TopicBacklog, WriteBacklog } from './backend/write-backlog.ts';
import { Channel } from './channel.ts';
import type { ChannelContext } from './channel-context.ts';
import type { Consumer } from './consumer.ts';
import { DeadLetters } from './dead-letters.ts';
import { Deferred } from './deferred.ts';
import { BLOCKED, Delivery, YIELDED } from './delivery.ts';
import { type FanOutBounds, FanOutBudget } from './fan-out.ts';
import { InFlight } from './in-flight.ts';
import { MessageQueue } from './message-queue.ts';
import type { LatencyWindow } from './processing-latency.ts';
import type { PumpMeter } from './pump-meter.ts';
import { PumpQueues } from './pump-queues.ts';
import { QueueTimers } from './queue-timers.ts';
import { MessageStore } from './store/message-store.ts';
import type { TimeSlice } from './time-slice.ts';
import { Topic } from './topic.ts';
import type { WallClock } from './wall-clock.ts';

/** Messages that time out, and deferred ones that become due, in one turn. */
const EXPIRED_PER_TURN = 2048;
/** Between topic and channel in the name of a channel's disk queue. */
const NAME_SEPARATOR = process.platform === 'win32' ? ';' : ':';

/** The dependencies of the state. */
export type PumpStateOptions = {
  readonly links: readonly DiskLink[];
  /** The link to the store of replicated topics, if there is one. */
  readonly streams: DiskLink | null;
  readonly deliveries: RingWriter;
  readonly nodeId: number;
  /** Bytes of messages in memory above which messages go to disk if they can. */
  readonly memoryBudgetBytes: number;
  readonly wallClock: WallClock;
  readonly maxMsgTimeoutMs: number;
  readonly latencyWindow: LatencyWindow | null;
  readonly meter: PumpMeter;
  readonly random: () => number;
  /** The time at the start. Units: ms, monotonic. */
  readonly nowMs: number;
  /** Limits of what may be on its way to the disk. */
  readonly backlogBounds: BacklogBounds | undefined;
  /** Limits of what a turn may hand to channels. */
  readonly fanOutBounds: FanOutBounds | undefined;
  /** A topic has too much on its way to the disk, or no longer. */
  readonly onHeld: (topic: number, isHeld: boolean) => void;
  /** A disk queue of the topic or of its channels stops accepting writes, or resumes. */
  readonly onBackendHealth: (topic: number, error: string | null) => void;
  /** Messages of a channel have timed out. */
  readonly onTimeouts: (channel: number, count: number) => void;
};

export class PumpState {
  readonly store: MessageStore;
  readonly inFlight: InFlight;
  readonly deferred: Deferred;
  readonly topics = new Map<number, Topic>();
  readonly channels = new Map<number, Channel>();
  readonly consumers = new Map<number, Consumer>();
  readonly backlog: WriteBacklog;
  readonly fanOuts: FanOutBudget;
  readonly deadLetters: DeadLetters;
  /** Whether `onTimeouts` is wanted. */
  reportsTimeouts = false;

  readonly #options: PumpStateOptions;
  readonly #context: ChannelContext<Channel>;
  readonly #timers: QueueTimers;
  readonly #queues: PumpQueues;
  #activeTopics: Topic[] = [];
  #activeChannels: Channel[] = [];

  constructor(options: PumpStateOptions) {
    this.#options = options;
    this.backlog = new WriteBacklog(options.backlogBounds);
    this.fanOuts = new FanOutBudget(options.fanOutBounds);
    this.inFlight = new InFlight(options.nowMs);
    this.deferred = new Deferred(options.nowMs);
    this.store = new MessageStore(
      options.memoryBudgetBytes,
      () => this.inFlight.bytes + this.deferred.bytes,
    );
    this.#timers = new QueueTimers(options.nowMs);
    this.deadLetters = new DeadLetters(this.store, options.deliveries);
    this.#queues = new PumpQueues({
      store: this.store,
      links: options.links,
      streams: options.streams,
      wallClock: options.wallClock,
      deadLetters: this.deadLetters,
      onHealth: options.onBackendHealth,
    });
    this.#context = {
      store: this.store,
      inFlight: this.inFlight,
      deferred: this.deferred,
      delivery: new Delivery(
        this.store,
        this.inFlight,
        options.deliveries,
        options.meter,
        options.random,
      ),
      meter: options.meter,
      deadLetters: this.deadLetters,
      timers: this.#timers,
      wallClock: options.wallClock,
      maxMsgTimeoutMs: options.maxMsgTimeoutMs,
      latencyWindow: options.latencyWindow,
      activate: (channel) => this.#activateChannel(channel),
    };
  }

  /** The earliest deadline; Infinity if there is none. */
  get nextDeadlineMs(): number {
    return Math.min(
      this.inFlight.deadlines.nextDeadlineMs(),
      this.deferred.dueTimes.nextDeadlineMs(),
      this.#timers.nextMs,
      this.deadLetters.nextMs,
    );
  }

  /** Memory that messages take, with what is kept about them. Units: bytes. */
  get messageBytes(): number {
    return this.store.bytes + this.inFlight.bytes + this.deferred.bytes;
  }

  /** Every disk queue that is open or about to be closed. */
  get backends(): ReadonlySet<Backend> {
    return this.#queues.backends;
  }

  get wallClock(): WallClock {
    return this.#options.wallClock;
  }

  topic(number: number): Topic | undefined {
    return this.topics.get(number);
  }

  consumer(number: number): Consumer | undefined {
    return this.consumers.get(number);
  }

  channelOf(consumer: Consumer): Channel {
    const channel = this.channels.get(consumer.channelNumber);
    assert(channel !== undefined, 'a consumer has a channel');
    return channel;
  }

  addTopic(
    number: number,
    name: string,
    isPaused: boolean,
    isStarted: boolean,
    isReplicated: boolean,
    policy: TopicPolicy,
  ): void {
    const { nodeId, wallClock } = this.#options;
    const replication = isReplicated ? replicationOf(policy) : null;
    const backlog = new TopicBacklog(this.backlog, (isHeld) => {
      this.#options.onHeld(number, isHeld);
      // A fan-out that was paused continues.
      if (!isHeld) this.activateTopic(topic);
    });
    const topic = new Topic({
      ...this.#queues.optionsOf(
        {
          topic: number,
          backlog,
          replication,
          capacity: () => 0,
          name,
          title: `topic "${name}"`,
          origin: { topic: name, channel: '' },
          hasRoom: () => topic.queue.hasRoom,
          mayRead: () => topic.mayRead,
          onReadable: () => {
            topic.onReadable();
            this.activateTopic(topic);
          },
          onDeferred: null,
          onPastDue: null,
        },
        policy,
      ),
      number,
      name,
      isPaused,
      isStarted,
      backlog,
      replication,
      ids: new MessageIdFactory(nodeId),
      wallClock,
      timers: this.#timers,
      budget: this.fanOuts,
      onWaiting: () => this.activateTopic(topic),
      deadLetters: this.deadLetters,
      policy,
    });
    this.topics.set(number, topic);
  }

  addChannel(
    topic: Topic,
    number: number,
    name: string,
    isPaused: boolean,
    policy: ChannelPolicy,
    nowMs: number,
  ): void {
    const options = this.#queues.optionsOf(
      {
        topic: topic.number,
        backlog: topic.backlog,
        replication: topic.replication,
        capacity: () => (topic.isPaused ? 0 : channel.capacity),
        name: `${topic.name}${NAME_SEPARATOR}${name}`,
        title: `channel "${name}" of topic "${topic.name}"`,
        origin: { topic: topic.name, channel: name },
        hasRoom: () => queue.hasRoom,
        mayRead: () => channel.mayRead,
        onReadable: () => channel.onReadable(),
        onDeferred: (position, dueMs) => channel.onDeferred(position, dueMs),
        onPastDue: (position, dueMs) => queue.ages?.defer(position, dueMs),
      },
      policy,
    );
    const queue = new MessageQueue(options);
    const { undelivered } = options;
    const channel = new Channel(
      { number, isPaused, queue, undelivered, policy, nowMs },
      this.#context,
    );
    this.channels.set(number, channel);
    topic.addChannel(number, channel);
    this.activateTopic(topic);
  }

  setTopicPolicy(topic: Topic, policy: TopicPolicy): void {
    topic.setPolicy(policy);
    this.#queues.setBounds(topic.queue, policy);
  }

  /** Units: `nowMs` in ms, monotonic. */
  setChannelPolicy(channel: Channel, policy: ChannelPolicy, nowMs: number): void {
    channel.setPolicy(policy, nowMs);
    this.#queues.setBounds(channel.queue, policy);
  }

  addConsumer(channel: Channel, consumer: Consumer): void {
    this.consumers.set(consumer.number, consumer);
    channel.subscribe(consumer);
  }

  removeConsumer(consumer: Consumer): void {
    this.consumers.delete(consumer.number);
    const channel = this.channels.get(consumer.channelNumber);
    channel?.unsubscribe(consumer);
    if (channel?.consumers.size === 0) channel.queue.backend.replicated?.rest();
  }

  /** Removes a channel and its consumers. The caller handles its messages. */
  removeChannel(topic: Topic, channel: Channel): void {
    for (const consumer of [...channel.consumers]) this.removeConsumer(consumer);
    topic.removeChannel(channel.number);
    this.channels.delete(channel.number);
  }

  /** Schedules the topic's waiting messages for its channels. */
  activateTopic(topic: Topic): void {
    if (topic.isActive) return;
    topic.isActive = true;
    this.#activeTopics.push(topic);
  }

  /**
   * Lets disk queues that waited for memory read more, if there is memory now. If not, queues with waiting consumers
   * ask again: their own messages may have left memory, although other queues fill it.
   */
  feedStarved(): void {
    this.#queues.feedStarved();
  }

  /** Requeues messages that timed out, puts those that are due, and fires timers. Returns how many there were. */
  fireDeadlines(nowMs: number): number {
    const { deadlines } = this.inFlight;
    const timedOut = deadlines.expire(nowMs, EXPIRED_PER_TURN);
    if (this.reportsTimeouts && timedOut > 0) this.#reportTimeouts(timedOut);
    for (let i = 0; i < timedOut; i++) {
      const entry = deadlines.expired[i];
      this.channelOf(this.inFlight.consumer(entry)).onTimeout(entry, nowMs);
    }
    const { dueTimes } = this.deferred;
    const due = dueTimes.expire(nowMs, EXPIRED_PER_TURN);
    for (let i = 0; i < due; i++) {
      const entry = dueTimes.expired[i];
      const channel = this.channels.get(this.deferred.channelNumber(entry));
      assert(channel !== undefined, 'a deferred message has a channel');
      channel.onDue(entry);
    }
    return timedOut + due + this.#timers.fire(nowMs);
  }

  /** Reports the number of entries of each channel that have just expired. */
  #reportTimeouts(timedOut: number): void {
    const counts = new Map<number, number>();
    for (let i = 0; i < timedOut; i++) {
      const consumer = this.inFlight.consumer(this.inFlight.deadlines.expired[i]);
      counts.set(consumer.channelNumber, (counts.get(consumer.channelNumber) ?? 0) + 1);
    }
    for (const [channel, count] of counts) this.#options.onTimeouts(channel, count);
  }

  /** Lets the largest queues evict messages while memory is short. Returns how many bytes they evicted. */
  evict(): number {
    return this.store.shares.evict();
  }

  /** Hands messages from active topics to their channels until each is done or has reached its limit, or time is up. */
  drain(limitPerTopic: number, nowMs: number, time: TimeSlice): number {
    if (this.#activeTopics.length === 0) return 0;
    const active = this.#activeTopics;
    this.#activeTopics = [];
    let drained = 0;
    if (active.length > 1) time.begin();
    for (const [index, topic] of active.entries()) {
      if (index > 0 && time.isOver) {
        // Before those that had their turn.
        this.#activeTopics = [...active.slice(index), ...this.#activeTopics];
        return drained + 1;
      }
      topic.isActive = false;
      const count = topic.drain(limitPerTopic, nowMs);
      if (count >= limitPerTopic || topic.isInterrupted) this.activateTopic(topic);
      drained += count;
    }
    return drained;
  }

  /** Delivers from active channels until each is done, at its limit or yields, or the ring is full, or time is up. */
  deliver(limitPerChannel: number, nowMs: number, time: TimeSlice): number {
    if (this.#activeChannels.length === 0) return 0;
    const active = this.#activeChannels;
    this.#activeChannels = [];
    let delivered = 0;
    let hasYielded = false;
    if (active.length > 1) time.begin();
    for (const [index, channel] of active.entries()) {
      if (index > 0 && time.isOver) {
        // Before those that had their turn.
        this.#activeChannels = [...active.slice(index), ...this.#activeChannels];
        return delivered + 1;
      }
      channel.isActive = false;
      const count = channel.deliver(limitPerChannel, nowMs);
      if (count === YIELDED) {
        this.#activateChannel(channel);
        hasYielded = true;
        continue;
      }
      if (count === BLOCKED) {
        // The others keep their places ahead of this one, which has had its turn.
        for (const waiting of active.slice(index + 1)) this.#activeChannels.push(waiting);
        this.#activateChannel(channel);
        return delivered;
      }
      if (count >= limitPerChannel) this.#activateChannel(channel);
      delivered += count;
    }
    // Checked last, because after another channel's records main would not ring.
    if (hasYielded && this.#context.delivery.maySendMore) delivered++;
    return delivered;
  }

  #activateChannel(channel: Channel): void {
    if (channel.isActive) return;
    channel.isActive = true;
    this.#activeChannels.push(channel);
  }
}
