/**
 * Synchronizes the topic map with the store of replicated topics: every broker has every topic of the store with its
 * channels, and pauses and deletes whatever another broker pauses or deletes.
 *
 * Thread: main.
 */

import type { Logger } from '../../daemon/log.ts';
import { rethrowBug } from '../../shared/assert.ts';
import type { PumpEvent } from '../../shared/control.ts';
import { errorText } from '../../shared/error-text.ts';
import { parseChannelName, parseTopicName, type TopicName } from '../../shared/names.ts';
import type { ChannelHandle, TopicHandle, TopicMap } from './topic-map.ts';

/** The changes that the store reports. */
export type ReplicatedEvent = Extract<PumpEvent, { event: 'replicated' }>;
type State = ReplicatedEvent['state'];

export class ReplicatedTopics {
  readonly #topics: TopicMap;
  readonly #logger: Pick<Logger, 'warn' | 'error'>;
  /** Local topics that the store has too: each is logged once. */
  readonly #twice = new Set<string>();

  constructor(topics: TopicMap, logger: Pick<Logger, 'warn' | 'error'>) {
    this.#topics = topics;
    this.#logger = logger;
  }

  onEvent({ topic: topicName, channel: channelName, state }: ReplicatedEvent): void {
    const name = parseTopicName(topicName);
    if (name === undefined) return;
    if (state === 'gone') this.#remove(name, channelName);
    else this.#show(name, channelName, state);
  }

  #show(name: TopicName, channelName: string, state: State): void {
    const isPaused = state === 'paused';
    const topic = this.#topics.createReplicated(name, channelName === '' && isPaused);
    if (!topic.isReplicated) {
      this.#warn(name);
      return;
    }
    if (channelName === '') {
      if (topic.isPaused !== isPaused) this.#run(this.#topics.pauseTopic(topic, isPaused, false));
      return;
    }
    const channel = this.#channel(topic, channelName, isPaused);
    if (channel === undefined || channel.isPaused === isPaused) return;
    this.#run(this.#topics.pauseChannel(channel, isPaused, false));
  }

  #channel(topic: TopicHandle, text: string, isPaused: boolean): ChannelHandle | undefined {
    const name = parseChannelName(text);
    if (name === undefined) return undefined;
    return this.#topics.getOrCreateChannel(topic, name, isPaused);
  }

  #remove(name: TopicName, channelName: string): void {
    const topic = this.#topics.get(name);
    if (topic === undefined || !topic.isReplicated) return;
    if (channelName === '') {
      this.#run(this.#topics.deleteTopic(topic));
      return;
    }
    const channel = topic.channels.get(channelName);
    if (channel !== undefined) this.#run(this.#topics.deleteChannel(channel));
  }

  #warn(name: TopicName): void {
    if (this.#twice.has(name)) return;
    this.#twice.add(name);
    this.#logger.warn(
      `TOPIC(${name}): this broker has a local topic of that name, and the store has one too; ` +
        'clients of this broker get the local one',
    );
  }

  #run(change: Promise<void>): void {
    change.catch((error: unknown) => {
      rethrowBug(error);
      this.#logger.error(`failed to follow the store - ${errorText(error)}`);
    });
  }
}
