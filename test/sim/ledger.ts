/**
 * What the broker must hold: every message that was handed to it, and the models of the existing topics and channels.
 * It survives restarts of the broker, as the disk does.
 *
 * Thread: any.
 */

import assert from 'node:assert/strict';
import { ChannelModel, type ConsumerModel } from './channel-model.ts';
import { QueueModel } from './queue-model.ts';
import type { Scenario } from './scenario.ts';
import { type PublishedMessage, TopicModel } from './topic-model.ts';

export class Ledger {
  readonly topics = new Map<number, TopicModel>();
  readonly channels = new Map<number, ChannelModel>();
  readonly consumers = new Map<number, ConsumerModel>();
  /** Messages on their way to a topic through the publish ring, oldest first. */
  readonly onTheWay = new Map<number, number[]>();

  readonly #scenario: Scenario;
  readonly #messages = new Map<number, PublishedMessage>();
  /** What closed queues have left on disk, by the queues' names. */
  readonly #leftTopics = new Map<string, TopicModel>();
  readonly #leftChannels = new Map<string, ChannelModel>();
  #lastKey = 0;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
  }

  /** The number of messages so far. */
  get messageCount(): number {
    return this.#messages.size;
  }

  makeMessage(bodyBytes: number, deferMs: number): PublishedMessage {
    this.#lastKey++;
    const key = this.#lastKey;
    const message = { key, bodyBytes, deferMs, id: null, pendingWrites: 0, isRefused: false };
    this.#messages.set(key, message);
    return message;
  }

  message(key: number): PublishedMessage {
    const message = this.#messages.get(key);
    assert.ok(message !== undefined, `message ${key} was published`);
    return message;
  }

  /** The publish ring has taken messages. */
  onSent(topic: number, keys: readonly number[]): void {
    const sent = this.onTheWay.get(topic) ?? [];
    sent.push(...keys);
    this.onTheWay.set(topic, sent);
  }

  /** The pump has taken messages from the publish ring. */
  onArrived(topic: number, keys: readonly number[]): PublishedMessage[] {
    const expected = this.onTheWay.get(topic)?.splice(0, keys.length);
    assert.deepEqual(keys, expected, 'messages arrive as they were sent');
    return keys.map((key) => this.message(key));
  }

  /** A message keeps its id for life. */
  checkId(key: number, id: string): void {
    const message = this.message(key);
    message.id ??= id;
    assert.equal(id, message.id, `message ${key} keeps its id`);
  }

  addTopic(number: number, name: string): TopicModel {
    const topic = new TopicModel(number, name, this.#makeQueue());
    const left = this.#leftTopics.get(name);
    if (left !== undefined) topic.adopt(left);
    this.#leftTopics.delete(name);
    this.topics.set(number, topic);
    return topic;
  }

  addChannel(number: number, queueName: string): ChannelModel {
    const { maxMsgTimeoutMs } = this.#scenario;
    const channel = new ChannelModel(number, queueName, this.#makeQueue(), maxMsgTimeoutMs);
    const left = this.#leftChannels.get(queueName);
    if (left !== undefined) channel.adopt(left);
    this.#leftChannels.delete(queueName);
    this.channels.set(number, channel);
    return channel;
  }

  /** The topic is closed; what is on disk is for the next of its name. */
  onTopicClosed(topic: TopicModel, isDurable: boolean): void {
    this.topics.delete(topic.number);
    if (isDurable) this.#leftTopics.set(topic.name, topic);
  }

  onChannelClosed(channel: ChannelModel, isDurable: boolean): void {
    this.channels.delete(channel.number);
    if (isDurable) this.#leftChannels.set(channel.queueName, channel);
  }

  onTopicDeleted(topic: TopicModel): void {
    this.topics.delete(topic.number);
    assert.deepEqual(this.onTheWay.get(topic.number) ?? [], [], 'what was sent before has arrived');
    this.onTheWay.delete(topic.number);
  }

  onChannelDeleted(channel: ChannelModel): void {
    channel.clear();
    this.channels.delete(channel.number);
  }

  /** Called when the broker has ended: all that was sent has arrived, and all is closed. */
  checkClosed(): void {
    for (const keys of this.onTheWay.values()) assert.deepEqual(keys, []);
    assert.equal(this.topics.size + this.channels.size, 0);
    this.onTheWay.clear();
  }

  #makeQueue(): QueueModel {
    return new QueueModel(this.#scenario.diskFaults === 'none');
  }
}
