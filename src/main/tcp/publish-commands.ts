/**
 * PUB, DPUB and MPUB.
 *
 * Thread: main. Source: nsqd `protocolV2.PUB`, `MPUB`, `DPUB`.
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
import type { Publication } from '../topics/publication.ts';
import type { Publisher } from '../topics/publisher.ts';
import type { TopicHandle, TopicMap } from '../topics/topic-map.ts';
import type { Authorization } from './authorization.ts';
import type { ClientPort } from './client-port.ts';
import { BATCH, BODY, NEXT, type Place, type Step } from './command-handler.ts';

type PublishName = 'PUB' | 'DPUB' | 'MPUB';

/** Most bytes that are read of a message whose client is refused for want of AUTH. */
const UNAUTHORIZED_BYTES_MAX = 4096;
/** What walking over so many messages of an MPUB costs of main's turn. Units: of the cost, as in `TurnBudget`. */
const SLICE_MESSAGES = 4096;
const SLICE_COST = 1024;
/** Least bytes of a message in an MPUB: its size and one byte. */
const BATCH_MESSAGE_BYTES_MIN = SIZE_BYTES + 1;

export class PublishCommands {
  readonly #port: ClientPort;
  readonly #topics: TopicMap;
  readonly #publisher: Publisher;
  readonly #options: Options;
  readonly #authorization: Authorization;
  /** The command whose body is expected. */
  #name: PublishName = 'PUB';
  #topicName: TopicName | undefined;
  #deferMs = 0;
  /** What the ring had no room for yet. */
  #unsent: Publication | null = null;
  /** The topic of the last command, which is likely that of the next. */
  #lastTopic: TopicHandle | null = null;

  constructor(
    port: ClientPort,
    topics: TopicMap,
    publisher: Publisher,
    options: Options,
    authorization: Authorization,
  ) {
    this.#authorization = authorization;
    this.#port = port;
    this.#topics = topics;
    this.#publisher = publisher;
    this.#options = options;
  }

  onPub(words: readonly string[]): Step {
    if (words.length < 2) return this.#invalid('PUB', 'insufficient number of parameters');
    return this.#beginBody('PUB', words[1], 0);
  }

  onDpub(words: readonly string[]): Step {
    if (words.length < 3) return this.#invalid('DPUB', 'insufficient number of parameters');
    if (parseTopicName(words[1]) === undefined)
      return this.#badTopic('E_BAD_TOPIC', 'DPUB', words[1]);
    const parsed = parseDigits(words[2]);
    if (parsed === undefined) {
      const text = Buffer.concat([
        Buffer.from('DPUB could not parse timeout '),
        wordBytes(words[2]),
      ]);
      return this.#port.fail(new ClientError('E_INVALID', text));
    }
    const delayMs = toDurationMs(parsed);
    const { maxReqTimeoutMs } = this.#options;
    if (delayMs < 0 || delayMs > maxReqTimeoutMs) {
      return this.#invalid('DPUB', `timeout ${parsed} out of range 0-${maxReqTimeoutMs}`);
    }
    return this.#beginBody('DPUB', words[1], delayMs);
  }

  onMpub(words: readonly string[]): Step {
    if (words.length < 2) return this.#invalid('MPUB', 'insufficient number of parameters');
    const topic = parseTopicName(words[1]);
    // nsqd repeats the code in this one description.
    if (topic === undefined) return this.#badTopic('E_BAD_TOPIC', 'E_BAD_TOPIC MPUB', words[1]);
    const refused = this.#authorization.refuse('MPUB', 'publish', topic, '');
    if (refused !== undefined) return refused;
    this.#name = 'MPUB';
    this.#topicName = topic;
    this.#deferMs = 0;
    // The topic is there even if the body turns out to be bad.
    this.#topics.getOrCreate(topic);
    return BATCH;
  }

  onBodySize(size: number): boolean {
    if (size <= 0) return this.#refuse('E_BAD_MESSAGE', `invalid message body size ${size}`);
    const { maxMsgSize } = this.#options;
    if (size > maxMsgSize) {
      return this.#refuse('E_BAD_MESSAGE', `message too big ${size} > ${maxMsgSize}`);
    }
    if (size <= UNAUTHORIZED_BYTES_MAX || !this.#authorization.isMissing) return true;
    this.#authorization.refuse(this.#name, 'publish', this.#topicName ?? '', '');
    return false;
  }

  onBody(bytes: Buffer, at: number, size: number): Step {
    if (this.#name !== 'MPUB') {
      const refused = this.#authorization.refuse(this.#name, 'publish', this.#topicName ?? '', '');
      if (refused !== undefined) return refused;
    }
    return this.#publish(bytes, at - SIZE_BYTES, SIZE_BYTES + size, 1);
  }

  onBatchSize(size: number): boolean {
    if (size <= 0) return this.#refuse('E_BAD_BODY', `invalid body size ${size}`);
    const { maxBodySize } = this.#options;
    if (size <= maxBodySize) return true;
    return this.#refuse('E_BAD_BODY', `body too big ${size} > ${maxBodySize}`);
  }

  onBatchCount(count: number): boolean {
    const most = Math.floor((this.#options.maxBodySize - SIZE_BYTES) / BATCH_MESSAGE_BYTES_MIN);
    if (count > 0 && count <= most) return true;
    return this.#refuse('E_BAD_BODY', `invalid message count ${count}`);
  }

  onBatchMessageSize(index: number, size: number, bytes: number): boolean {
    const { maxMsgSize, maxBodySize } = this.#options;
    if (size <= 0) {
      return this.#refuse('E_BAD_MESSAGE', `invalid message(${index}) body size ${size}`);
    }
    if (size > maxMsgSize) {
      return this.#refuse('E_BAD_MESSAGE', `message too big ${size} > ${maxMsgSize}`);
    }
    if ((index + 1) % SLICE_MESSAGES === 0) this.#port.charge(SLICE_COST);
    // The size announced is not what counts in nsqd, so that count times max-msg-size could come; this bounds it.
    if (SIZE_BYTES + bytes > maxBodySize) {
      return this.#refuse('E_BAD_BODY', `body too big ${SIZE_BYTES + bytes} > ${maxBodySize}`);
    }
    return true;
  }

  onBatch(bytes: Buffer, at: number, length: number, count: number): Step {
    return this.#publish(bytes, at, length, count);
  }

  /** What to answer when the input ends inside a body. */
  cutOff(place: Place, messageIndex: number): ClientError {
    const name = this.#name;
    if (name === 'MPUB') {
      if (place === 'size') return this.#error('E_BAD_BODY', 'failed to read body size');
      if (place === 'count') return this.#error('E_BAD_BODY', 'failed to read message count');
      if (place === 'message size') {
        return this.#error('E_BAD_MESSAGE', `failed to read message(${messageIndex}) body size`);
      }
      return this.#error('E_BAD_MESSAGE', 'failed to read message body');
    }
    const what = place === 'size' ? 'message body size' : 'message body';
    return this.#error('E_BAD_MESSAGE', `failed to read ${what}`);
  }

  #beginBody(name: 'PUB' | 'DPUB', topicWord: string, deferMs: number): Step {
    const topic = parseTopicName(topicWord);
    if (topic === undefined) return this.#badTopic('E_BAD_TOPIC', name, topicWord);
    this.#name = name;
    this.#topicName = topic;
    this.#deferMs = deferMs;
    return BODY;
  }

  #publish(source: Buffer, at: number, bytes: number, count: number): Step {
    const topic = this.#topic();
    if (this.#unsent === null) {
      const refusal = this.#publisher.refusalOf(topic);
      if (refusal !== null) return this.#port.fail(this.#failed(this.#name, refusal));
    }
    const publication =
      this.#unsent ??
      this.#begin(topic, this.#publisher.batch(source, at, bytes, count, this.#deferMs));
    if (publication === null) return NEXT;
    if (!publication.send()) {
      if (!this.#port.lend() && this.#unsent === null) publication.detach();
      this.#unsent = publication;
      return this.#port.waitUntilWritable((listener) => publication.onWritable(listener));
    }
    this.#unsent = null;
    return NEXT;
  }

  /** Publishes at once what can be; otherwise what is left to be done. */
  #begin(topic: TopicHandle, batch: MessageBatch): Publication | null {
    const { count } = batch;
    if (this.#publisher.tryPublish(topic, batch)) {
      this.#port.client.countPublish(topic.name, count);
      this.#port.respondOk();
      return null;
    }
    const name = this.#name;
    const settle = this.#port.respondLater();
    return this.#publisher.begin(topic, batch, (error) => {
      if (error === null) {
        this.#port.client.countPublish(topic.name, count);
        settle(OK_FRAME);
      } else {
        settle(this.#failed(name, error));
      }
    });
  }

  #topic(): TopicHandle {
    const last = this.#lastTopic;
    const name = this.#topicName;
    if (last !== null && last.name === name && !last.isDeleted) return last;
    assert(name !== undefined, 'a body is only expected behind a valid name');
    this.#lastTopic = this.#topics.getOrCreate(name);
    return this.#lastTopic;
  }

  #failed(name: PublishName, reason: string): ClientError {
    return new ClientError(`E_${name}_FAILED`, `${name} failed ${reason}`);
  }

  #error(code: ClientErrorCode, text: string): ClientError {
    return new ClientError(code, `${this.#name} ${text}`);
  }

  #refuse(code: ClientErrorCode, text: string): false {
    // In MPUB one description lacks nothing but an index; all begin with the command's name.
    this.#port.fail(this.#error(code, text));
    return false;
  }

  #invalid(name: PublishName, text: string): Step {
    return this.#port.fail(new ClientError('E_INVALID', `${name} ${text}`));
  }

  #badTopic(code: ClientErrorCode, prefix: string, word: string): Step {
    const text = `${prefix} topic name ${goQuote(wordBytes(word))} is not valid`;
    return this.#port.fail(new ClientError(code, text));
  }
}
