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
import type { MessageBatch } from '../pumps/message-batch.ts';
import { creationRefusal } from '../topics/drain.ts';
import type { Publication } from '../topics/publication.ts';
import type { Publisher } from '../topics/publisher.ts';
import type { TopicHandle, TopicMap } from '../topics/topic-map.ts';
import type { ClientPort } from './client-port.ts';
import { NEXT, type Step, WAIT } from './command-handler.ts';

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
  /** Whether it waits for its turn to create a topic. */
  #isWaitingToCreate = false;

  constructor(port: ClientPort, topics: TopicMap, publisher: Publisher) {
    this.#port = port;
    this.#topics = topics;
    this.#publisher = publisher;
  }

  /**
   * Creates the topic if it does not exist. Returns null if none is created now; WAIT: the command is handed over
   * again.
   */
  getOrCreate(name: TopicName): TopicHandle | null | typeof WAIT {
    const last = this.#lastTopic;
    if (last !== null && last.name === name && !last.isDeleted) return last;
    if (creationRefusal(this.#topics, name, null) !== null) return null;
    if (this.#topics.get(name) === undefined && !this.#topics.creations.tryTake()) {
      this.#waitToCreate();
      return WAIT;
    }
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
    if (topic === WAIT) return WAIT;
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

  #waitToCreate(): void {
    this.#port.waitUntilWritable((listener) => {
      // The command may be handed over for another reason before its turn.
      if (this.#isWaitingToCreate) return;
      this.#isWaitingToCreate = true;
      this.#topics.creations.wait(() => {
        this.#isWaitingToCreate = false;
        listener();
      });
    });
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
