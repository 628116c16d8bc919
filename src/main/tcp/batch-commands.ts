/**
 * MPUB.
 *
 * Thread: main. Source: nsqd `protocolV2.MPUB`, `readMPUB`.
 */

import { ClientError, type ClientErrorCode } from '../../protocol/client-error.ts';
import { assert } from '../../shared/assert.ts';
import { SIZE_BYTES } from '../../shared/limits.ts';
import { parseTopicName, type TopicName } from '../../shared/names.ts';
import type { Options } from '../options/options.ts';
import type { Authorization } from './authorization.ts';
import type { ClientPort } from './client-port.ts';
import type { ClientPublisher } from './client-publisher.ts';
import { type BatchBody, type Place, type Step, WAIT } from './command-handler.ts';

/** Messages of an MPUB that are scanned for one unit of cost, as in `TurnBudget`. */
const SLICE_MESSAGES = 4096;
const SLICE_COST = 1024;
/** Fewest bytes of a message in an MPUB: its size and one byte. */
const BATCH_MESSAGE_BYTES_MIN = SIZE_BYTES + 1;

export class BatchCommands implements BatchBody {
  readonly kind = 'batch';

  readonly #port: ClientPort;
  readonly #publishing: ClientPublisher;
  readonly #options: Options;
  readonly #authorization: Authorization;
  #topicName: TopicName | undefined;

  constructor(
    port: ClientPort,
    publishing: ClientPublisher,
    options: Options,
    authorization: Authorization,
  ) {
    this.#port = port;
    this.#publishing = publishing;
    this.#options = options;
    this.#authorization = authorization;
  }

  onMpub(words: readonly string[]): Step | BatchBody {
    if (words.length < 2) {
      return this.#port.fail(
        new ClientError('E_INVALID', 'MPUB insufficient number of parameters'),
      );
    }
    const topic = parseTopicName(words[1]);
    // Only here nsqd repeats the code in the description.
    if (topic === undefined) return this.#publishing.refuseTopic('E_BAD_TOPIC MPUB', words[1]);
    const refused = this.#authorization.refuse('MPUB', 'publish', topic, '');
    if (refused !== undefined) return refused;
    // As in nsqd, the topic is created even if the body is invalid.
    if (this.#publishing.getOrCreate(topic) === WAIT) return WAIT;
    this.#topicName = topic;
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
    const topic = this.#topicName;
    assert(topic !== undefined, 'a body is only expected behind a valid name');
    const batch = this.#publishing.batch(bytes, at, length, count, 0);
    return this.#publishing.publish('MPUB', topic, batch);
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
