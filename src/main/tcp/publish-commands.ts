/**
 * PUB, DPUB and MPUB: what they may say, and how their messages are published and answered.
 *
 * Thread: main. Source: nsqd `protocolV2.PUB`, `DPUB`, `MPUB`, `readMPUB`.
 */

import { goQuote } from '../../daemon/go/go-text.ts';
import { ClientError, type ClientErrorCode } from '../../protocol/client-error.ts';
import { parseDigits, toDurationMs, wordBytes } from '../../protocol/command-words.ts';
import { OK_FRAME } from '../../protocol/frames.ts';
import { assert } from '../../shared/assert.ts';
import { SIZE_BYTES } from '../../shared/limits.ts';
import { parseTopicName, type TopicName } from '../../shared/names.ts';
import type { Options } from '../options/options.ts';
import type { MessageBatch } from '../pumps/message-batch.ts';
import { creationRefusal } from '../topics/drain.ts';
import type { Publication } from '../topics/publication.ts';
import type { Publisher } from '../topics/publisher.ts';
import type { TopicHandle, TopicMap } from '../topics/topic-map.ts';
import type { Authorization } from './authorization.ts';
import type { ClientPort } from './client-port.ts';
import {
  type BatchBodyHandler,
  NEXT,
  type Place,
  type SizedBodyHandler,
  type Step,
  WAIT,
} from './command-handler.ts';

/** The commands that publish. */
export type PublishName = 'PUB' | 'DPUB' | 'MPUB';

/**
 * Publishes a client's messages and answers the commands: `setTopic` first, then `authorize`, and `publish` with what
 * the command brings. A publish that does not fit into the pump's ring waits for room.
 */
export class ClientPublisher {
  readonly #port: ClientPort;
  readonly #topics: TopicMap;
  readonly #publisher: Publisher;
  readonly #authorization: Authorization;
  /** The topic of the command whose body is expected. */
  #topicName: TopicName | undefined;
  /** The topic of the last command, which the next one probably uses too. */
  #lastTopic: TopicHandle | null = null;
  /** The publish that waits for room in the ring. */
  #unsent: Publication | null = null;
  /** Whether it waits for its turn to create a topic. */
  #isWaitingToCreate = false;

  constructor(
    port: ClientPort,
    topics: TopicMap,
    publisher: Publisher,
    authorization: Authorization,
  ) {
    this.#port = port;
    this.#topics = topics;
    this.#publisher = publisher;
    this.#authorization = authorization;
  }

  /**
   * Takes the topic of a command. Returns undefined, or the result of the error if the name is invalid, whose
   * description begins with `prefix`.
   */
  setTopic(prefix: string, word: string): Step | undefined {
    this.#topicName = parseTopicName(word);
    if (this.#topicName !== undefined) return undefined;
    const text = `${prefix} topic name ${goQuote(wordBytes(word))} is not valid`;
    return this.#port.fail(new ClientError('E_BAD_TOPIC', text));
  }

  /** Whether bodies need not be read, because a required AUTH is missing. */
  get isAuthMissing(): boolean {
    return this.#authorization.isMissing;
  }

  /** Returns undefined if the client may publish to the topic, otherwise the result of the error, or WAIT. */
  authorize(command: PublishName): Step | undefined {
    return this.#authorization.refuse(command, 'publish', this.#name, '');
  }

  /**
   * Creates the topic if it does not exist. Returns null if none is created now; WAIT: the command is handed over
   * again.
   */
  getOrCreate(): TopicHandle | null | typeof WAIT {
    const name = this.#name;
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
  publish(command: PublishName, batch: MessageBatch): Step {
    const topic = this.getOrCreate();
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

  get #name(): TopicName {
    const name = this.#topicName;
    assert(name !== undefined, 'a body is only expected behind a valid name');
    return name;
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

/** Largest message that is still read when AUTH is missing. */
const UNAUTHORIZED_BYTES_MAX = 4096;

/** PUB and DPUB. */
export class PublishCommands implements SizedBodyHandler {
  readonly kind = 'sized';

  readonly #port: ClientPort;
  readonly #publishing: ClientPublisher;
  readonly #options: Options;
  /** The command whose body is expected. */
  #name: 'PUB' | 'DPUB' = 'PUB';
  #deferMs = 0;

  constructor(port: ClientPort, publishing: ClientPublisher, options: Options) {
    this.#port = port;
    this.#publishing = publishing;
    this.#options = options;
  }

  onPub(words: readonly string[]): Step | SizedBodyHandler {
    if (words.length < 2) return this.#invalid('PUB insufficient number of parameters');
    return this.#publishing.setTopic('PUB', words[1]) ?? this.#expectBody('PUB', 0);
  }

  onDpub(words: readonly string[]): Step | SizedBodyHandler {
    if (words.length < 3) return this.#invalid('DPUB insufficient number of parameters');
    const refused = this.#publishing.setTopic('DPUB', words[1]);
    if (refused !== undefined) return refused;
    const parsed = parseDigits(words[2]);
    if (parsed === undefined) {
      const text = [Buffer.from('DPUB could not parse timeout '), wordBytes(words[2])];
      return this.#port.fail(new ClientError('E_INVALID', Buffer.concat(text)));
    }
    const delayMs = toDurationMs(parsed);
    const { maxReqTimeoutMs } = this.#options;
    if (delayMs < 0 || delayMs > maxReqTimeoutMs) {
      return this.#invalid(`DPUB timeout ${parsed} out of range 0-${maxReqTimeoutMs}`);
    }
    return this.#expectBody('DPUB', delayMs);
  }

  onSize(size: number): boolean {
    if (size <= 0) return this.#refuse(`invalid message body size ${size}`);
    const { maxMsgSize } = this.#options;
    if (size > maxMsgSize) return this.#refuse(`message too big ${size} > ${maxMsgSize}`);
    if (size <= UNAUTHORIZED_BYTES_MAX || !this.#publishing.isAuthMissing) return true;
    this.#publishing.authorize(this.#name);
    return false;
  }

  onBody(bytes: Buffer, at: number, size: number): Step {
    const refused = this.#publishing.authorize(this.#name);
    if (refused !== undefined) return refused;
    const batch = this.#publishing.batch(
      bytes,
      at - SIZE_BYTES,
      SIZE_BYTES + size,
      1,
      this.#deferMs,
    );
    return this.#publishing.publish(this.#name, batch);
  }

  cutOff(place: Place): ClientError {
    const what = place === 'size' ? 'message body size' : 'message body';
    return this.#error(`failed to read ${what}`);
  }

  #expectBody(name: 'PUB' | 'DPUB', deferMs: number): SizedBodyHandler {
    this.#name = name;
    this.#deferMs = deferMs;
    return this;
  }

  #refuse(text: string): false {
    this.#port.fail(this.#error(text));
    return false;
  }

  #error(text: string): ClientError {
    return new ClientError('E_BAD_MESSAGE', `${this.#name} ${text}`);
  }

  #invalid(text: string): Step {
    return this.#port.fail(new ClientError('E_INVALID', text));
  }
}

/** Messages of an MPUB that are scanned for one unit of cost, as in `TurnBudget`. */
const SLICE_MESSAGES = 4096;
const SLICE_COST = 1024;
/** Fewest bytes of a message in an MPUB: its size and one byte. */
const BATCH_MESSAGE_BYTES_MIN = SIZE_BYTES + 1;

/** MPUB. */
export class BatchCommands implements BatchBodyHandler {
  readonly kind = 'batch';

  readonly #port: ClientPort;
  readonly #publishing: ClientPublisher;
  readonly #options: Options;

  constructor(port: ClientPort, publishing: ClientPublisher, options: Options) {
    this.#port = port;
    this.#publishing = publishing;
    this.#options = options;
  }

  onMpub(words: readonly string[]): Step | BatchBodyHandler {
    if (words.length < 2) {
      return this.#port.fail(
        new ClientError('E_INVALID', 'MPUB insufficient number of parameters'),
      );
    }
    // Only here nsqd repeats the code in the description.
    const refused =
      this.#publishing.setTopic('E_BAD_TOPIC MPUB', words[1]) ?? this.#publishing.authorize('MPUB');
    if (refused !== undefined) return refused;
    // As in nsqd, the topic is created even if the body is invalid.
    if (this.#publishing.getOrCreate() === WAIT) return WAIT;
    return this;
  }

  onSize(size: number): boolean {
    if (size <= 0) return this.#refuse('E_BAD_BODY', `invalid body size ${size}`);
    const { maxBodySize } = this.#options;
    if (size <= maxBodySize) return true;
    return this.#refuse('E_BAD_BODY', `body too big ${size} > ${maxBodySize}`);
  }

  onCount(count: number): boolean {
    const most = Math.floor((this.#options.maxBodySize - SIZE_BYTES) / BATCH_MESSAGE_BYTES_MIN);
    if (count > 0 && count <= most) return true;
    return this.#refuse('E_BAD_BODY', `invalid message count ${count}`);
  }

  onMessageSize(index: number, size: number, bytes: number): boolean {
    const { maxMsgSize, maxBodySize } = this.#options;
    if (size <= 0) {
      return this.#refuse('E_BAD_MESSAGE', `invalid message(${index}) body size ${size}`);
    }
    if (size > maxMsgSize) {
      return this.#refuse('E_BAD_MESSAGE', `message too big ${size} > ${maxMsgSize}`);
    }
    if ((index + 1) % SLICE_MESSAGES === 0) this.#port.charge(SLICE_COST);
    // nsqd ignores the declared size, so that count times max-msg-size bytes could come; this bounds the sum.
    if (SIZE_BYTES + bytes > maxBodySize) {
      return this.#refuse('E_BAD_BODY', `body too big ${SIZE_BYTES + bytes} > ${maxBodySize}`);
    }
    return true;
  }

  onBatch(bytes: Buffer, at: number, length: number, count: number): Step {
    const batch = this.#publishing.batch(bytes, at, length, count, 0);
    return this.#publishing.publish('MPUB', batch);
  }

  cutOff(place: Place, messageIndex: number): ClientError {
    if (place === 'size') return batchError('E_BAD_BODY', 'failed to read body size');
    if (place === 'count') return batchError('E_BAD_BODY', 'failed to read message count');
    if (place === 'message size') {
      return batchError('E_BAD_MESSAGE', `failed to read message(${messageIndex}) body size`);
    }
    return batchError('E_BAD_MESSAGE', 'failed to read message body');
  }

  /** Fails with a description in nsqd's words. */
  #refuse(code: ClientErrorCode, text: string): false {
    this.#port.fail(batchError(code, text));
    return false;
  }
}

function batchError(code: ClientErrorCode, text: string): ClientError {
  return new ClientError(code, `MPUB ${text}`);
}
