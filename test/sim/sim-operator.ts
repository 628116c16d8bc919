/**
 * Pauses, empties, deletes and creates topics and channels of a simulated broker, chosen at random.
 *
 * Thread: any.
 */

import type { ChannelHandle, TopicHandle } from '../../src/main/topics/topic-map.ts';
import type { Random } from '../support/seeded-random.ts';
import { channelName } from './names.ts';
import type { Scenario } from './scenario.ts';
import type { SimBroker } from './sim-broker.ts';
import type { Trace } from './trace.ts';

export class SimOperator {
  readonly #scenario: Scenario;
  readonly #random: Random;
  readonly #trace: Trace;

  constructor(scenario: Scenario, random: Random, trace: Trace) {
    this.#scenario = scenario;
    this.#random = random;
    this.#trace = trace;
  }

  #someTopic(broker: SimBroker): TopicHandle | undefined {
    const topics = [...broker.topics.values()];
    return topics.length === 0 ? undefined : topics[this.#random(topics.length)];
  }

  #someChannel(broker: SimBroker): ChannelHandle | undefined {
    const channels = [...(this.#someTopic(broker)?.channels.values() ?? [])];
    return channels.length === 0 ? undefined : channels[this.#random(channels.length)];
  }

  /** Pauses or resumes a topic or channel. */
  pauseSomething(broker: SimBroker): void {
    const { topics } = broker;
    const topic = this.#someTopic(broker);
    const channel = this.#someChannel(broker);
    if (this.#random(2) === 0) {
      if (topic === undefined) return;
      this.#trace.add(`pause ${topic.name} ${!topic.isPaused}`);
      void topics.pauseTopic(topic, !topic.isPaused);
    } else if (channel !== undefined) {
      this.#trace.add(`pause ${channel.topic.name}:${channel.name} ${!channel.isPaused}`);
      void topics.pauseChannel(channel, !channel.isPaused);
    }
  }

  /** Empties a topic or channel. */
  emptySomething(broker: SimBroker): void {
    if (this.#scenario.diskFaults === 'reads') return;
    const { topics } = broker;
    const topic = this.#someTopic(broker);
    const channel = this.#someChannel(broker);
    if (this.#random(2) === 0) {
      if (topic === undefined) return;
      this.#trace.add(`empty ${topic.name}`);
      void topics.emptyTopic(topic);
    } else if (channel !== undefined) {
      this.#trace.add(`empty ${channel.topic.name}:${channel.name}`);
      void topics.emptyChannel(channel);
    }
  }

  /** Deletes a topic or channel. */
  deleteSomething(broker: SimBroker): void {
    if (this.#scenario.diskFaults === 'reads') return;
    const { topics } = broker;
    const topic = this.#someTopic(broker);
    const channel = this.#someChannel(broker);
    if (this.#random(3) === 0) {
      if (topic === undefined) return;
      this.#trace.add(`delete ${topic.name}`);
      void topics.deleteTopic(topic);
    } else if (channel !== undefined) {
      this.#trace.add(`delete ${channel.topic.name}:${channel.name}`);
      void topics.deleteChannel(channel);
    }
  }

  /** Creates a channel without consumers. */
  createChannel(broker: SimBroker): void {
    const { channelNames } = this.#scenario;
    const topic = this.#someTopic(broker);
    if (topic === undefined) return;
    const name = channelName(channelNames[this.#random(channelNames.length)]);
    this.#trace.add(`create ${topic.name}:${name}`);
    broker.topics.getOrCreateChannel(topic, name);
  }
}
