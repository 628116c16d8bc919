/**
 * PUB and DPUB.
 *
 * Thread: main. Source: nsqd `protocolV2.PUB`, `DPUB`.
 */

import { ClientError } from '../../protocol/client-error.ts';
import { parseDigits, toDurationMs, wordBytes } from '../../protocol/command-words.ts';
import { assert } from '../../shared/assert.ts';
import { SIZE_BYTES } from '../../shared/limits.ts';
import { parseTopicName, type TopicName } from '../../shared/names.ts';
import type { Options } from '../options/options.ts';
import type { Authorization } from './authorization.ts';
import type { ClientPort } from './client-port.ts';
import type { ClientPublisher } from './client-publisher.ts';
import type { Place, SizedBody, Step } from './command-handler.ts';

/** Largest message that is still read when AUTH is missing. */
const UNAUTHORIZED_BYTES_MAX = 4096;

export class PublishCommands implements SizedBody {
  readonly kind = 'sized';

  readonly #port: ClientPort;
  readonly #publishing: ClientPublisher;
  readonly #options: Options;
  readonly #authorization: Authorization;
  /** The command whose body is expected. */
  #name: 'PUB' | 'DPUB' = 'PUB';
  #topicName: TopicName | undefined;
  #deferMs = 0;

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

  onPub(words: readonly string[]): Step | SizedBody {
    if (words.length < 2) return this.#invalid('PUB insufficient number of parameters');
    return this.#expectBody('PUB', words[1], 0);
  }

  onDpub(words: readonly string[]): Step | SizedBody {
    if (words.length < 3) return this.#invalid('DPUB insufficient number of parameters');
    if (parseTopicName(words[1]) === undefined) {
      return this.#publishing.refuseTopic('DPUB', words[1]);
    }
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
    return this.#expectBody('DPUB', words[1], delayMs);
  }

  onSize(size: number): boolean {
    if (size <= 0) return this.#refuse(`invalid message body size ${size}`);
    const { maxMsgSize } = this.#options;
    if (size > maxMsgSize) return this.#refuse(`message too big ${size} > ${maxMsgSize}`);
    if (size <= UNAUTHORIZED_BYTES_MAX || !this.#authorization.isMissing) return true;
    this.#authorization.refuse(this.#name, 'publish', this.#topicName ?? '', '');
    return false;
  }

  onBody(bytes: Buffer, at: number, size: number): Step {
    const topic = this.#topicName;
    assert(topic !== undefined, 'a body is only expected behind a valid name');
    const refused = this.#authorization.refuse(this.#name, 'publish', topic, '');
    if (refused !== undefined) return refused;
    const batch = this.#publishing.batch(
      bytes,
      at - SIZE_BYTES,
      SIZE_BYTES + size,
      1,
      this.#deferMs,
    );
    return this.#publishing.publish(this.#name, topic, batch);
  }

  cutOff(place: Place): ClientError {
    const what = place === 'size' ? 'message body size' : 'message body';
    return this.#error(`failed to read ${what}`);
  }

  #expectBody(name: 'PUB' | 'DPUB', topicWord: string, deferMs: number): Step | SizedBody {
    const topic = parseTopicName(topicWord);
    if (topic === undefined) return this.#publishing.refuseTopic(name, topicWord);
    this.#name = name;
    this.#topicName = topic;
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
