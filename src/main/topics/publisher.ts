/**
 * Publishes to topics, for TCP and HTTP alike: decides whether a publish is refused, answered at once, or
 * answered by the pump, and holds an answer until `nsqd.dat` names a topic that is new.
 *
 * Thread: main. Source: nsqd `Topic.PutMessages`.
 */

import { isEphemeral } from '../../shared/names.ts';
import { refusesWhenFull } from '../../shared/topic-policy.ts';
import type { MessageBatch } from '../pumps/message-batch.ts';
import { brokerChannels, type PublishEvent } from '../stats/broker-channels.ts';
import type { Acknowledgements } from '../stats/node-meters.ts';
import { Publication } from './publication.ts';
import type { TopicHandle, TopicMap } from './topic-map.ts';

/** A publish is refused. The publisher gets the error's message as the reason. */
export class PublishRefused extends Error {}

/** Measures how long publishers wait for their answers. */
export type PublishTimes = Pick<Acknowledgements, 'onAnswered' | 'begin'>;

const nothing = (): void => undefined;
const NO_BYTES = Buffer.alloc(0);

export class Publisher {
  readonly #topics: TopicMap;
  readonly #times: PublishTimes;

  /** The batch that all calls reuse. */
  readonly #batch: MessageBatch = { source: NO_BYTES, at: 0, bytes: 0, count: 0, deferMs: 0 };

  constructor(topics: TopicMap, times: PublishTimes) {
    this.#topics = topics;
    this.#times = times;
  }

  /** Fills the reused batch for one call, so that a publish allocates nothing. Valid until the next call. */
  batch(source: Buffer, at: number, bytes: number, count: number, deferMs: number): MessageBatch {
    const batch = this.#batch;
    batch.source = source;
    batch.at = at;
    batch.bytes = bytes;
    batch.count = count;
    batch.deferMs = deferMs;
    return batch;
  }

  /** Why publishes to a topic are refused now, or null. */
  refusalOf(topic: TopicHandle): string | null {
    return this.#topics.drainRefusal ?? this.#topics.refusalOf(topic);
  }

  /** Publishes if nothing has to wait: the ring has room, and memory is enough. Returns whether it did. */
  tryPublish(topic: TopicHandle, batch: MessageBatch): boolean {
    const { pump, number } = topic;
    if (batch.bytes > pump.publishBytesMax || isAnsweredByPump(topic)) return false;
    if (!pump.publish(number, batch, 0)) return false;
    if (brokerChannels.publish.hasSubscribers) {
      tellPublish(topic.name, batch.count, batch.bytes, batch.deferMs);
    }
    this.#times.onAnswered();
    return true;
  }

  /**
   * Begins a publish that has to wait; the caller sends it. `onSettled` is called once, with null when the messages
   * are kept, or with the reason why not.
   */
  begin(
    topic: TopicHandle,
    batch: MessageBatch,
    onSettled: (error: string | null) => void,
  ): Publication {
    const isAnswered = batch.isToDisk === true || isAnsweredByPump(topic);
    const { count, bytes, deferMs } = batch;
    // No client waits for what the broker itself publishes.
    const onDone = batch.isToDisk === true ? nothing : this.#times.begin();
    const publication = new Publication(topic, batch, isAnswered, (error) => {
      onDone();
      if (error === null && brokerChannels.publish.hasSubscribers) {
        tellPublish(topic.name, count, bytes, deferMs);
      }
      onSettled(error);
    });
    // After a crash the files of a topic that nsqd.dat does not name would not be found.
    if (isAnswered && topic.saving !== null) {
      publication.holdUntil(this.#topics.whenSaved(topic));
    }
    return publication;
  }

  /**
   * Publishes, and waits while the ring is full. Resolves when the messages are kept. Errors: rejects if they are
   * not, with `PublishRefused` if the reason is meant for the publisher.
   */
  publish(topic: TopicHandle, batch: MessageBatch): Promise<void> {
    const refusal = this.refusalOf(topic);
    if (refusal !== null) return Promise.reject(new PublishRefused(refusal));
    return this.#publish(topic, batch);
  }

  /**
   * As `publish`, but resolves after the messages are written to files, unless the topic is ephemeral.
   * Shape: `messages` as in a batch.
   */
  publishToDisk(topic: TopicHandle, messages: Buffer, count: number): Promise<void> {
    // A drain does not refuse what the broker itself moves.
    const refusal = this.#topics.refusalOf(topic);
    if (refusal !== null) return Promise.reject(new PublishRefused(refusal));
    const bytes = messages.length;
    return this.#publish(topic, {
      source: messages,
      at: 0,
      bytes,
      count,
      deferMs: 0,
      isToDisk: true,
    });
  }

  #publish(topic: TopicHandle, batch: MessageBatch): Promise<void> {
    return new Promise((resolve, reject) => {
      const publication = this.begin(topic, batch, (error) => {
        if (error === null) resolve();
        else reject(publishError(topic, error));
      });
      const send = (): void => {
        if (!publication.send()) publication.onWritable(send);
      };
      send();
    });
  }
}

/**
 * Whether the pump answers publishes: because messages are written first, or kept by the store of replicated topics,
 * because writes fail, or because a full queue refuses them.
 */
export function isAnsweredByPump(topic: TopicHandle): boolean {
  const { name, isReplicated, policy, backendError } = topic;
  if (isReplicated || backendError !== null || mayBeFull(topic)) return true;
  return policy.acknowledge !== 'memory' && !isEphemeral(name);
}

/** Whether the topic, or one of its channels, may refuse a message because it is full. */
function mayBeFull({ policy, refusingChannelCount }: TopicHandle): boolean {
  return refusingChannelCount > 0 || refusesWhenFull(policy);
}

/** The reason of a full queue is meant for the publisher. */
function tellPublish(topic: string, count: number, bytes: number, delayMs: number): void {
  const event: PublishEvent = { topic, count, bytes, delayMs };
  brokerChannels.publish.publish(event);
}

function publishError(topic: TopicHandle, reason: string): Error {
  if (topic.isReplicated) return new PublishRefused(reason);
  const isFull = mayBeFull(topic) && topic.backendError === null;
  return isFull ? new PublishRefused(reason) : new Error(reason);
}
