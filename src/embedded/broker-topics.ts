/**
 * The topics and channels of an embedded broker; the HTTP API manages the same ones.
 *
 * Errors: all reject with an NsqError if the topic or channel does not exist, or if a name is not valid.
 * Thread: main.
 */

import { NsqError } from '../client/nsq-error.ts';
import type { BrokerOperations } from '../main/topics/broker-operations.ts';
import { errorText, valueText } from '../shared/error-text.ts';
import type { BrokerLife } from './broker-life.ts';
import { checkedChannel, checkedTopic } from './checked-names.ts';

/**
 * The topics and channels of a broker.
 *
 * @example
 * ```ts
 * import { createBroker } from 'ringmq';
 *
 * const broker = await createBroker({ memory: true });
 * await broker.topics.create('orders', 'billing');
 * console.log(broker.topics.names(), broker.topics.channels('orders')); // [ 'orders' ] [ 'billing' ]
 * await broker.topics.pause('orders', 'billing');
 * await broker.topics.delete('orders');
 * await broker.close();
 * ```
 */
export class BrokerTopics {
  readonly #operations: BrokerOperations;
  readonly #life: BrokerLife;

  /** @internal */
  constructor(operations: BrokerOperations, life: BrokerLife) {
    this.#operations = operations;
    this.#life = life;
  }

  /** All topics, sorted. */
  names(): string[] {
    return this.#operations.topicNames().sort();
  }

  /** The channels of a topic, sorted; none if the topic does not exist. */
  channels(topic: string): string[] {
    return this.#operations.channelNames(topic).sort();
  }

  /** Creates a topic, and a channel of it, if they do not exist. */
  async create(topic: string, channel?: string): Promise<void> {
    this.#life.assertOpen();
    const name = checkedTopic(topic);
    const channelName = channel === undefined ? null : checkedChannel(topic, channel);
    // Both exist before the first wait, so that the channel misses no later message.
    const creations = [this.#operations.createTopic(name)];
    if (channelName !== null) creations.push(this.#operations.createChannel(name, channelName));
    await this.#outcome(name, Promise.all(creations));
  }

  /** Deletes a channel, or a topic with its channels, and all their messages. */
  delete(topic: string, channel?: string): Promise<void> {
    return this.#carryOut(topic, channel, (operations) =>
      channel === undefined
        ? operations.deleteTopic(topic)
        : operations.deleteChannel(topic, channel),
    );
  }

  /** Drops the messages that wait in a channel, or in the topic itself. */
  empty(topic: string, channel?: string): Promise<void> {
    return this.#carryOut(topic, channel, (operations) =>
      channel === undefined
        ? operations.emptyTopic(topic)
        : operations.emptyChannel(topic, channel),
    );
  }

  /** Stops delivery from a channel, or from the topic to its channels, until `resume`. */
  pause(topic: string, channel?: string): Promise<void> {
    return this.#setPaused(topic, channel, true);
  }

  /** Ends a pause. */
  resume(topic: string, channel?: string): Promise<void> {
    return this.#setPaused(topic, channel, false);
  }

  #setPaused(topic: string, channel: string | undefined, isPaused: boolean): Promise<void> {
    return this.#carryOut(topic, channel, (operations) =>
      channel === undefined
        ? operations.pauseTopic(topic, isPaused)
        : operations.pauseChannel(topic, channel, isPaused),
    );
  }

  async #carryOut(
    topic: string,
    channel: string | undefined,
    act: (operations: BrokerOperations) => Promise<void>,
  ): Promise<void> {
    this.#life.assertOpen();
    const operations = this.#operations;
    if (!operations.hasTopic(topic)) {
      throw new NsqError('NOT_FOUND', `there is no topic "${valueText(topic)}"`, {
        topic: valueText(topic),
      });
    }
    if (channel !== undefined && !operations.hasChannel(topic, channel)) {
      const name = `${topic}/${valueText(channel)}`;
      throw new NsqError('NOT_FOUND', `there is no channel "${name}"`, { topic });
    }
    await this.#outcome(topic, act(operations));
  }

  /** Errors: rejects with an NsqError. */
  async #outcome(topic: string, request: Promise<unknown>): Promise<void> {
    try {
      await this.#life.untilOver(request);
    } catch (cause) {
      if (cause instanceof NsqError) throw cause;
      throw new NsqError('BROKER_FAILED', errorText(cause), { topic, cause });
    }
  }
}
