/**
 * The topics, channels and consumers of a pump thread by number, their messages, and which of them have work.
 *
 * Seams: the simulator replaces `addTopic` and `addChannel` of an instance, to watch what they add.
 * Thread: pump.
 */

import { assert } from '../../shared/assert.ts';
import type { Locality } from '../../shared/control.ts';
import { CONSUMER_WINDOW_BYTES } from '../../shared/limits.ts';
import { nameHash } from '../../shared/name-hash.ts';
import { isEphemeral } from '../../shared/names.ts';
import type { RingWriter } from '../../shared/ring/writer.ts';
import type { TopicPolicy } from '../../shared/topic-policy.ts';
import type { Backend } from './backend/backend.ts';
import { DiskBackend } from './backend/disk-backend.ts';
import type { DiskBackendListener } from './backend/disk-backend-listener.ts';
import type { DiskLink } from './backend/disk-link.ts';
import { NullBackend } from './backend/null-backend.ts';
import { type BacklogBounds, TopicBacklog, WriteBacklog } from './backend/write-backlog.ts';
import { Channel, type ChannelContext } from './channel.ts';
import { Consumer } from './consumer.ts';
import { Deferred } from './deferred.ts';
import { BLOCKED, Delivery, YIELDED } from './delivery.ts';
import { depthBoundOf } from './depth-bound.ts';
import { type HandOverBounds, HandOverBudget } from './hand-over.ts';
import { InFlight } from './in-flight.ts';
import { MessageIdFactory } from './message-id-factory.ts';
import { MessageQueue, type MessageQueueOptions } from './message-queue.ts';
import type { LatencyWindow } from './processing-latency.ts';
import { MessageStore } from './store/message-store.ts';
import { Topic } from './topic.ts';
import type { WallClock } from './wall-clock.ts';

/** Between topic and channel in the name of a channel's disk queue. */
const NAME_SEPARATOR = process.platform === 'win32' ? ';' : ':';

/** The owner of a queue, and what its backend must know of the owner. */
type QueueOwner = Pick<DiskBackendListener, 'hasRoom' | 'mayRead' | 'onReadable' | 'onDeferred'> & {
  /** Number of the topic, its own or its channel's. */
  readonly topic: number;
  /** That of the topic. */
  readonly backlog: TopicBacklog;
  /** Name of its files; it ends with the name of the topic or channel. */
  readonly name: string;
  /** Its name in the error that a refused publisher gets. */
  readonly title: string;
};

/** What the state is made of. */
export type PumpStateOptions = {
  readonly links: readonly DiskLink[];
  readonly deliveries: RingWriter;
  readonly nodeId: number;
  /** Units: bytes of messages in memory; above that, messages go to disk if they can. */
  readonly memoryBudgetBytes: number;
  readonly wallClock: WallClock;
  readonly maxMsgTimeoutMs: number;
  readonly latencyWindow: LatencyWindow | null;
  readonly random: () => number;
  /** The time at the start. Units: ms, monotonic. */
  readonly nowMs: number;
  /** Limits of what may be on its way to the disk. */
  readonly backlogBounds: BacklogBounds | undefined;
  /** What a turn may hand to channels. */
  readonly handOverBounds: HandOverBounds | undefined;
  /** A topic has too much on its way to the disk, or no longer. */
  readonly onHeld: (topic: number, isHeld: boolean) => void;
  /** A disk queue of the topic or of its channels stops or starts again to take writes. */
  readonly onBackendHealth: (topic: number, error: string | null) => void;
};

export class PumpState {
  readonly store: MessageStore;
  readonly inFlight: InFlight;
  readonly deferred: Deferred;
  readonly topics = new Map<number, Topic>();
  readonly channels = new Map<number, Channel>();
  readonly consumers = new Map<number, Consumer>();
  readonly backlog: WriteBacklog;
  readonly handOvers: HandOverBudget;
  /** Every disk queue that is open or about to be closed. */
  readonly backends = new Set<Backend>();

  readonly #options: PumpStateOptions;
  readonly #context: ChannelContext;
  /** Disk queues that do not take writes, the topic each belongs to, and why. */
  readonly #failing = new Map<Backend, { topic: number; error: string }>();
  /** Disk queues that wait for memory before they read more, and their owners. */
  readonly #starved = new Map<Backend, Pick<DiskBackendListener, 'hasRoom' | 'onReadable'>>();
  #activeTopics: Topic[] = [];
  #activeChannels: Channel[] = [];

  constructor(options: PumpStateOptions) {
    this.#options = options;
    this.backlog = new WriteBacklog(options.backlogBounds);
    this.handOvers = new HandOverBudget(options.handOverBounds);
    this.inFlight = new InFlight(options.nowMs);
    this.deferred = new Deferred(options.nowMs);
    this.store = new MessageStore(
      options.memoryBudgetBytes,
      () => this.inFlight.bytes + this.deferred.bytes,
    );
    this.#context = {
      store: this.store,
      inFlight: this.inFlight,
      deferred: this.deferred,
      delivery: new Delivery(this.store, this.inFlight, options.deliveries, options.random),
      wallClock: options.wallClock,
      maxMsgTimeoutMs: options.maxMsgTimeoutMs,
      latencyWindow: options.latencyWindow,
      activate: (channel) => this.#activateChannel(channel),
    };
  }

  /** Earliest time at which something is due; Infinity if nothing is. */
  get nextDeadlineMs(): number {
    return Math.min(
      this.inFlight.deadlines.nextDeadlineMs(),
      this.deferred.dueTimes.nextDeadlineMs(),
    );
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
    policy: TopicPolicy,
  ): void {
    const { nodeId, wallClock } = this.#options;
    const backlog = new TopicBacklog(this.backlog, (isHeld) => {
      this.#options.onHeld(number, isHeld);
      // What is on its way to the channels goes on.
      if (!isHeld) this.activateTopic(topic);
    });
    const topic = new Topic({
      ...this.#queueOptions(
        {
          topic: number,
          backlog,
          name,
          title: `topic "${name}"`,
          hasRoom: () => topic.queue.hasRoom,
          mayRead: () => topic.mayRead,
          onReadable: () => {
            topic.queue.trim();
            this.activateTopic(topic);
          },
          onDeferred: null,
        },
        policy,
      ),
      number,
      name,
      isPaused,
      isStarted,
      backlog,
      ids: new MessageIdFactory(nodeId),
      wallClock,
      budget: this.handOvers,
      onWaiting: () => this.activateTopic(topic),
    });
    this.topics.set(number, topic);
  }

  addChannel(
    topic: Topic,
    number: number,
    name: string,
    isPaused: boolean,
    policy: TopicPolicy,
  ): void {
    const queue = new MessageQueue(
      this.#queueOptions(
        {
          topic: topic.number,
          backlog: topic.backlog,
          name: `${topic.name}${NAME_SEPARATOR}${name}`,
          title: `channel "${name}" of topic "${topic.name}"`,
          hasRoom: () => queue.hasRoom,
          mayRead: () => channel.mayRead,
          onReadable: () => channel.onReadable(),
          onDeferred: (position, dueMs) => channel.onDeferred(position, dueMs),
        },
        policy,
      ),
    );
    const channel = new Channel(number, isPaused, queue, this.#context);
    this.channels.set(number, channel);
    topic.addChannel(number, channel);
    this.activateTopic(topic);
  }

  addConsumer(
    channel: Channel,
    number: number,
    msgTimeoutMs: number,
    sampleRate: number,
    locality: Locality,
  ): void {
    const consumer = new Consumer(
      number,
      channel.number,
      msgTimeoutMs,
      sampleRate,
      CONSUMER_WINDOW_BYTES,
      locality,
    );
    this.consumers.set(number, consumer);
    channel.subscribe(consumer);
  }

  removeConsumer(consumer: Consumer): void {
    this.consumers.delete(consumer.number);
    this.channels.get(consumer.channelNumber)?.unsubscribe(consumer);
  }

  /** Removes a channel and its consumers. Its messages are left to the caller. */
  removeChannel(topic: Topic, channel: Channel): void {
    for (const consumer of [...channel.consumers]) this.removeConsumer(consumer);
    topic.removeChannel(channel.number);
    this.channels.delete(channel.number);
  }

  /** Asks for the topic's waiting messages to go to its channels. */
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
    if (this.#starved.size === 0) return;
    const starved = [...this.#starved];
    this.#starved.clear();
    for (const [backend, owner] of starved) {
      if (owner.hasRoom()) backend.demand();
      else {
        this.#starved.set(backend, owner);
        owner.onReadable();
      }
    }
  }

  /** Requeues messages that timed out, and puts those that are due. Returns how many there were. */
  fireDeadlines(nowMs: number): number {
    const { deadlines } = this.inFlight;
    const timedOut = deadlines.expire(nowMs);
    for (let i = 0; i < timedOut; i++) {
      const entry = deadlines.expired[i];
      this.channelOf(this.inFlight.consumer(entry)).onTimeout(entry);
    }
    const { dueTimes } = this.deferred;
    const due = dueTimes.expire(nowMs);
    for (let i = 0; i < due; i++) {
      const entry = dueTimes.expired[i];
      const channel = this.channels.get(this.deferred.channelNumber(entry));
      assert(channel !== undefined, 'a deferred message has a channel');
      channel.onDue(entry);
    }
    return timedOut + due;
  }

  /** Lets the largest queues evict messages while memory is short. Returns how many bytes they evicted. */
  evict(): number {
    return this.store.shares.evict();
  }

  /** Hands messages from active topics to their channels. */
  drain(limitPerTopic: number, nowMs: number): number {
    if (this.#activeTopics.length === 0) return 0;
    const active = this.#activeTopics;
    this.#activeTopics = [];
    let drained = 0;
    for (const topic of active) {
      topic.isActive = false;
      const count = topic.drain(limitPerTopic, nowMs);
      if (count >= limitPerTopic || topic.isInterrupted) this.activateTopic(topic);
      drained += count;
    }
    return drained;
  }

  /**
   * Delivers from active channels, until each is done, has reached its limit or leaves room to others, or the ring is
   * full.
   */
  deliver(limitPerChannel: number, nowMs: number): number {
    if (this.#activeChannels.length === 0) return 0;
    const active = this.#activeChannels;
    this.#activeChannels = [];
    let delivered = 0;
    let hasYielded = false;
    for (const [index, channel] of active.entries()) {
      channel.isActive = false;
      const count = channel.deliver(limitPerChannel, nowMs);
      if (count === YIELDED) {
        this.#activateChannel(channel);
        hasYielded = true;
        continue;
      }
      if (count === BLOCKED) {
        // The others keep their places before this one, which had its turn.
        for (const waiting of active.slice(index + 1)) this.#activeChannels.push(waiting);
        this.#activateChannel(channel);
        return delivered;
      }
      if (count >= limitPerChannel) this.#activateChannel(channel);
      delivered += count;
    }
    // Asked last: after another channel's records main would not ring.
    if (hasYielded && this.#context.delivery.maySendMore) delivered++;
    return delivered;
  }

  #activateChannel(channel: Channel): void {
    if (channel.isActive) return;
    channel.isActive = true;
    this.#activeChannels.push(channel);
  }

  /** Reports the health of the topic: that of the queue, or of another of the topic's queues. */
  #onHealth(topic: number, backend: Backend, error: string | null): void {
    if (error === null) this.#failing.delete(backend);
    else this.#failing.set(backend, { topic, error });
    const others = [...this.#failing.values()].filter((failure) => failure.topic === topic);
    this.#options.onBackendHealth(topic, error ?? others[0]?.error ?? null);
  }

  #queueOptions(owner: QueueOwner, policy: TopicPolicy): MessageQueueOptions {
    const { memQueueSize } = policy;
    const bound = depthBoundOf(policy);
    const backend = this.#makeBackend(owner);
    // A queue without a disk keeps one message at least: nsqd too hands one over if a consumer waits.
    const memoryMax = backend.isDurable ? memQueueSize : Math.max(1, memQueueSize);
    return { title: owner.title, store: this.store, backend, memoryMax, bound };
  }

  #makeBackend({ topic, name, backlog, ...owner }: QueueOwner): Backend {
    if (isEphemeral(name)) return new NullBackend(this.store);
    const { links, wallClock } = this.#options;
    // The same name is always on the same thread, which keeps the requests for its files in order.
    const link = links[nameHash(name) % links.length];
    const backend = new DiskBackend({
      name,
      store: this.store,
      link,
      backlog,
      unixMs: () => wallClock.unixMs(),
      listener: {
        hasRoom: owner.hasRoom,
        mayRead: owner.mayRead,
        onReadable: owner.onReadable,
        onDeferred: owner.onDeferred,
        onStarved: () => this.#starved.set(backend, owner),
        onHealth: (error) => this.#onHealth(topic, backend, error),
        onEnded: () => {
          this.backends.delete(backend);
          this.#starved.delete(backend);
        },
      },
    });
    this.backends.add(backend);
    return backend;
  }
}
