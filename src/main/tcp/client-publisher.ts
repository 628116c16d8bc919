/**
 * Publishes a client's messages and answers the commands. A publish that does not fit into the pump's ring waits for
 * room.
 *
 * Thread: main. Source: nsqd `protocolV2.PUB`, `MPUB`, `DPUB`.
 */

import { goQuote } from '../../daemon/go/go-text.ts';
import { ClientError } from '../../protocol/client-error.ts';
import { wordBytes } from '../../protocol/command-words.ts';
import { OK_FRAME } from '../../protocol/frames.ts';
import type { TopicName } from '../../shared/names.ts';
import { TOPIC_COST } from '../limits/turn-budget.ts';
import type { MessageBatch } from '../pumps/message-batch.ts';
import { creationRefusal } from '../topics/drain.ts';
import type { Publication } from '../topics/publication.ts';
import type { Publisher } from '../topics/publisher.ts';
import type { TopicHandle, TopicMap } from '../topics/topic-map.ts';
import type { ClientPort } from './client-port.ts';
import { NEXT, type Step } from './command-handler.ts';

/** The commands that publish. */
export type PublishName = 'PUB' | 'DPUB' | 'MPUB';

export class ClientPublisher {
  readonly #port: ClientPort;
  readonly #topics: TopicMap;
  readonly #publisher: Publisher;
  /** The topic of the last command, which the next one probably uses too. */
  #lastTopic: TopicHandle | null = null;
  /** The publish that waits for room in the ring. */
  #unsent: Publication | null = null;

  constructor(port: ClientPort, topics: TopicMap, publisher: Publisher) {
    this.#port = port;
    this.#topics = topics;
    this.#publisher = publisher;
  }

  /** Creates the topic if it does not exist; null if none is created now. */
  getOrCreate(name: TopicName): TopicHandle | null {
    const last = this.#lastTopic;
    if (last !== null && last.name === name && !last.isDeleted) return last;
    if (creationRefusal(this.#topics, name, null) !== null) return null;
    if (this.#topics.get(name) === undefined) this.#port.charge(TOPIC_COST);
    this.#lastTopic = this.#topics.getOrCreate(name);
    return this.#lastTopic;
  }

  /** Fills a batch for one `publish`. */
  batch(source: Buffer, at: number, bytes: number, count: number, deferMs: number): MessageBatch {
    return this.#publisher.batch(source, at, bytes, count, deferMs);
  }

  /** Publishes and answers; after WAIT the command is handed over again. */
  publish(command: PublishName, topicName: TopicName, batch: MessageBatch): Step {
    const topic = this.getOrCreate(topicName);
    if (topic === null) return this.#port.fail(failed(command, this.#topics.drainRefusal ?? ''));
    if (this.#unsent === null) {
      const refusal = this.#publisher.refusalOf(topic);
      if (refusal !== null) return this.#port.fail(failed(command, refusal));
    }
    const publication = this.#unsent ?? this.#begin(command, topic, batch);
    if (publication === null) return NEXT;
    if (!publication.send()) {
      if (!this.#port.lend() && this.#unsent === null) publication.detach();
      this.#unsent = publication;
      return this.#port.waitUntilWritable((listener) => publication.onWritable(listener));
    }
    this.#unsent = null;
    return NEXT;
  }

  /** Answers a command with an invalid topic name. */
  refuseTopic(prefix: string, word: string): Step {
    const text = `${prefix} topic name ${goQuote(wordBytes(word))} is not valid`;
    return this.#port.fail(new ClientError('E_BAD_TOPIC', text));
  }

  /** Publishes at once if possible; otherwise returns the unfinished publication. */
  #begin(command: PublishName, topic: TopicHandle, batch: MessageBatch): Publication | null {
    const { count } = batch;
    if (this.#publisher.tryPublish(topic, batch)) {
      this.#port.client.countPublish(topic.name, count);
      this.#port.responses.respondOk();
      return null;
    }
    const settle = this.#port.respondLater();
    return this.#publisher.begin(topic, batch, (error) => {
      if (error === null) {
        this.#port.client.countPublish(topic.name, count);
        settle(OK_FRAME);
      } else {
        settle(failed(command, error));
      }
    });
  }
}

function failed(command: PublishName, reason: string): ClientError {
  return new ClientError(`E_${command}_FAILED`, `${command} failed ${reason}`);
}
