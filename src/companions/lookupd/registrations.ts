/**
 * Which producers have which topics and channels.
 *
 * A topic or channel outlives its producers until it is deleted over HTTP; an ephemeral one goes with the last of them.
 * Everything about a topic is indexed by its name: the cost of a lookup is that of its answer.
 *
 * Bound: `max` topics and channels together, and PRODUCERS_MAX producers, each with a bit in a set.
 *
 * Thread: main.
 * Source: nsqlookupd's `RegistrationDB`, which finds the topics of a producer by looking at every key.
 */

import type { Clock } from '../../shared/clock.ts';
import { type ChannelName, isEphemeral, type TopicName } from '../../shared/names.ts';
import { Producer, type ProducerInfo } from './producer.ts';
import { ProducerSet } from './producer-set.ts';

/** The registrations of a topic. */
export type Topic = {
  readonly name: string;
  /** Null if only channels of it are registered. */
  producers: ProducerSet | null;
  readonly channels: Map<string, ProducerSet>;
  /** When producers were tombstoned. Units: ms, monotonic, and ns since 1970. Null if none was. */
  tombstones: Map<Producer, Tombstone> | null;
};

type Tombstone = { readonly atMs: number; readonly atNs: bigint };

/** A registration that was added or removed. Shape: an empty channel is the topic itself. */
export type Registration = { readonly topic: string; readonly channel: string };

/** The settings of a database. */
export type RegistrationsSetup = {
  /** Read at each use: a reload of the configuration changes them. Units: ms. */
  readonly times: { readonly inactiveMs: number; readonly tombstoneMs: number };
  /** Most topics and channels. */
  readonly max: number;
  readonly clock: Clock;
  /** The producers of this topic may have changed. */
  readonly onChange: (topic: string) => void;
};

/** Most connected brokers. */
const PRODUCERS_MAX = 16_384;
/** A producer stays active for a twentieth longer than the timeout: at its default, for one more interval of PINGs. */
const LATENESS = 1.05;

export class Registrations {
  /** Topics, and the number of topics and channels together. */
  readonly topics = new Map<string, Topic>();
  keyCount = 0;

  readonly #setup: RegistrationsSetup;
  readonly #producers: (Producer | undefined)[] = [];
  /** Numbers below the end that no producer has. */
  readonly #free: number[] = [];
  #topicsJson: string | null = null;

  constructor(setup: RegistrationsSetup) {
    this.#setup = setup;
  }

  get producerCount(): number {
    return this.#producers.length - this.#free.length;
  }

  /** All producers, active or not. */
  *producers(): Iterable<Producer> {
    for (const producer of this.#producers) if (producer !== undefined) yield producer;
  }

  /** Adds a producer. Errors: undefined if there are too many. */
  addProducer(info: ProducerInfo): Producer | undefined {
    if (this.producerCount >= PRODUCERS_MAX) return undefined;
    const number = this.#free.pop() ?? this.#producers.length;
    const producer = new Producer(number, info, this.#setup.clock);
    this.#producers[number] = producer;
    return producer;
  }

  /** Removes a producer and all its registrations, and returns these. */
  removeProducer(producer: Producer): Registration[] {
    const removed: Registration[] = [];
    for (const topic of this.topics.values()) {
      if (producer.registrationCount === 0) break;
      for (const [channel, producers] of topic.channels) {
        if (this.#take(producer, producers)) removed.push({ topic: topic.name, channel });
      }
      if (topic.producers === null || !this.#take(producer, topic.producers)) continue;
      topic.tombstones?.delete(producer);
      removed.push({ topic: topic.name, channel: '' });
      this.#setup.onChange(topic.name);
    }
    this.#producers[producer.number] = undefined;
    this.#free.push(producer.number);
    return removed;
  }

  /** Records a sign of life of a producer. */
  touch(producer: Producer): void {
    producer.touch(this.#setup.clock);
  }

  /**
   * Registers a topic, or a channel and with it the topic.
   *
   * Returns what is new. A registration without a channel means that the producer has just made the topic, so an
   * earlier tombstone no longer counts. Errors: undefined if there are too many topics and channels.
   */
  register(
    producer: Producer,
    topicName: TopicName,
    channelName: ChannelName | null,
  ): Registration[] | undefined {
    const topic = this.create(topicName, channelName);
    if (topic === undefined) return undefined;
    const added: Registration[] = [];
    const inChannel = channelName === null ? undefined : topic.channels.get(channelName);
    if (inChannel?.add(producer.number) === true) {
      producer.registrationCount++;
      added.push({ topic: topicName, channel: channelName ?? '' });
    }
    if (topic.producers?.add(producer.number) === true) {
      producer.registrationCount++;
      added.push({ topic: topicName, channel: '' });
      this.#setup.onChange(topicName);
    } else if (channelName === null && topic.tombstones?.delete(producer) === true) {
      this.#setup.onChange(topicName);
    }
    return added;
  }

  /** Removes a channel of a producer. Returns whether it was registered. */
  unregisterChannel(producer: Producer, topicName: TopicName, channelName: ChannelName): boolean {
    const topic = this.topics.get(topicName);
    const producers = topic?.channels.get(channelName);
    if (topic === undefined || producers === undefined) return false;
    const isRemoved = this.#take(producer, producers);
    if (producers.size === 0 && isEphemeral(channelName)) this.#deleteChannel(topic, channelName);
    return isRemoved;
  }

  /**
   * Removes a topic of a producer. Returns what was registered, including channels that the producer did not remove
   * before.
   */
  unregisterTopic(
    producer: Producer,
    topicName: TopicName,
  ): { readonly channels: readonly string[]; readonly isRemoved: boolean } {
    const topic = this.topics.get(topicName);
    if (topic === undefined) return { channels: [], isRemoved: false };
    const channels: string[] = [];
    for (const [channel, producers] of topic.channels) {
      if (this.#take(producer, producers)) channels.push(channel);
    }
    const { producers } = topic;
    const isRemoved = producers !== null && this.#take(producer, producers);
    topic.tombstones?.delete(producer);
    if (isRemoved) this.#setup.onChange(topicName);
    if (producers?.size === 0 && isEphemeral(topicName)) this.#deleteTopicKey(topic);
    return { channels, isRemoved };
  }

  /** Adds a topic, and a channel of it, if they are new. Errors: undefined if there are too many. */
  create(topicName: TopicName, channelName: ChannelName | null): Topic | undefined {
    const known = this.topics.get(topicName);
    const isNewChannel = channelName !== null && known?.channels.has(channelName) !== true;
    const isNewTopic = (known?.producers ?? null) === null;
    const added = Number(isNewChannel) + Number(isNewTopic);
    if (added > 0 && this.keyCount + added > this.#setup.max) return undefined;
    const topic = known ?? this.#addTopic(topicName);
    if (isNewTopic) {
      topic.producers = new ProducerSet();
      this.#topicsJson = null;
    }
    if (isNewChannel) topic.channels.set(channelName, new ProducerSet());
    this.keyCount += added;
    return topic;
  }

  /** Deletes a topic with its channels on all producers. */
  deleteTopic(topicName: string): void {
    const topic = this.topics.get(topicName);
    if (topic === undefined) return;
    for (const channel of [...topic.channels.keys()]) this.#deleteChannel(topic, channel);
    if (topic.producers !== null) this.#deleteTopicKey(topic);
    this.#setup.onChange(topicName);
  }

  /** Deletes a channel. Returns whether it existed. */
  deleteChannel(topicName: string, channelName: string): boolean {
    const topic = this.topics.get(topicName);
    if (topic === undefined || !topic.channels.has(channelName)) return false;
    this.#deleteChannel(topic, channelName);
    return true;
  }

  /** Hides a node's producers of a topic from consumers for a while. */
  tombstone(topicName: string, node: string): void {
    const topic = this.topics.get(topicName);
    if (topic === undefined || topic.producers === null) return;
    const { clock } = this.#setup;
    for (const producer of this.producersOf(topic)) {
      if (producer.node !== node) continue;
      topic.tombstones ??= new Map();
      topic.tombstones.set(producer, { atMs: clock.monotonicMs(), atNs: clock.unixNs() });
      this.#setup.onChange(topicName);
    }
  }

  /** Whether a producer was heard of recently; its PING may be late because a machine is busy. */
  isActive(producer: Producer): boolean {
    const ageMs = this.#setup.clock.monotonicMs() - producer.lastUpdateMs;
    return ageMs <= this.#setup.times.inactiveMs * LATENESS;
  }

  /** Whether a producer's topic is hidden at present. */
  isTombstoned(producer: Producer, topic: Topic): boolean {
    const tombstone = topic.tombstones?.get(producer);
    if (tombstone === undefined) return false;
    return this.#setup.clock.monotonicMs() - tombstone.atMs < this.#setup.times.tombstoneMs;
  }

  /** The producers that consumers of a topic may connect to. */
  *activeProducers(topic: Topic): Iterable<Producer> {
    for (const producer of this.producersOf(topic)) {
      if (this.isActive(producer) && !this.isTombstoned(producer, topic)) yield producer;
    }
  }

  /** All producers that are registered for a topic. */
  *producersOf({ producers }: Pick<Topic, 'producers'>): Iterable<Producer> {
    for (const number of producers ?? []) {
      const producer = this.#producers[number];
      if (producer !== undefined) yield producer;
    }
  }

  /** The names of all topics as a JSON list, cached until they change. */
  topicsJson(): string {
    this.#topicsJson ??= JSON.stringify(
      [...this.topics.values()].filter((topic) => topic.producers !== null).map(({ name }) => name),
    );
    return this.#topicsJson;
  }

  #addTopic(name: TopicName): Topic {
    const topic: Topic = { name, producers: null, channels: new Map(), tombstones: null };
    this.topics.set(name, topic);
    return topic;
  }

  #take(producer: Producer, producers: ProducerSet): boolean {
    if (!producers.remove(producer.number)) return false;
    producer.registrationCount--;
    return true;
  }

  #deleteChannel(topic: Topic, channelName: string): void {
    this.#dropAll(topic.channels.get(channelName) ?? null);
    topic.channels.delete(channelName);
    this.keyCount--;
    this.#forgetIfEmpty(topic);
  }

  #deleteTopicKey(topic: Topic): void {
    this.#dropAll(topic.producers);
    topic.producers = null;
    topic.tombstones = null;
    this.#topicsJson = null;
    this.keyCount--;
    this.#forgetIfEmpty(topic);
  }

  #dropAll(producers: ProducerSet | null): void {
    for (const producer of this.producersOf({ producers })) producer.registrationCount--;
  }

  #forgetIfEmpty(topic: Topic): void {
    if (topic.producers === null && topic.channels.size === 0) this.topics.delete(topic.name);
  }
}
