/**
 * Publishes dead letters to their topics, and reports to their pump when they are safe: written to the files of the
 * topic or of its channels, regardless of its policy. If a publish fails, the pump sends the messages again.
 *
 * If the envelope would make a message larger than `--max-msg-size`, the plain body is published.
 *
 * Thread: main.
 */

import { isUtf8 } from 'node:buffer';
import type { Logger } from '../../daemon/log.ts';
import type { DeadLetterHead } from '../../shared/control.ts';
import { errorText } from '../../shared/error-text.ts';
import { MESSAGE_ID_BYTES, SIZE_BYTES } from '../../shared/limits.ts';
import { parseTopicName } from '../../shared/names.ts';
import type { Publisher } from './publisher.ts';
import type { TopicMap } from './topic-map.ts';

/** Its dependencies. */
export type DeadLetterSetup = {
  readonly topics: TopicMap;
  readonly publisher: Publisher;
  /** Units: bytes. */
  readonly maxMsgSize: number;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
};

/** The offsets of attempts, id and body in a message. */
const ATTEMPTS_AT = 8;
const ID_AT = 10;
const BODY_AT = ID_AT + MESSAGE_ID_BYTES;

export class DeadLetterPublisher {
  readonly #setup: DeadLetterSetup;
  /** Topics that currently accept no dead letters, so that each failure is logged once. */
  readonly #failing = new Set<string>();

  constructor(setup: DeadLetterSetup) {
    this.#setup = setup;
  }

  /**
   * Publishes `count` messages. Calls back with whether they are safe.
   * Shape: `records` are disk records, a view that is reused afterwards.
   */
  publish(
    head: DeadLetterHead,
    records: Buffer,
    count: number,
    onSettled: (isKept: boolean) => void,
  ): void {
    const { topics, publisher } = this.#setup;
    const name = parseTopicName(head.target);
    if (name === undefined) throw new Error('a policy names a valid topic');
    const messages = head.isWrapped ? this.#wrapped(head, records) : plain(records, count);
    publisher.publishToDisk(topics.getOrCreate(name), messages, count).then(
      () => {
        this.#onKept(head);
        onSettled(true);
      },
      (error: unknown) => {
        this.#onFailed(head, errorText(error));
        onSettled(false);
      },
    );
  }

  #onKept({ target }: DeadLetterHead): void {
    if (!this.#failing.delete(target)) return;
    this.#setup.logger.info(`TOPIC(${target}): accepts dead letters again`);
  }

  #onFailed({ topic, channel, target }: DeadLetterHead, reason: string): void {
    if (this.#failing.has(target)) return;
    this.#failing.add(target);
    const from = channel === '' ? topic : `${topic}:${channel}`;
    this.#setup.logger.warn(
      `TOPIC(${target}): accepts no dead letters from ${from}; they stay there and are sent again - ${reason}`,
    );
  }

  #wrapped(head: DeadLetterHead, records: Buffer): Buffer {
    const parts: Buffer[] = [];
    for (const message of messagesOf(records)) {
      const envelope = Buffer.from(envelopeOf(head, message));
      const body = message.subarray(BODY_AT);
      parts.push(...sized(envelope.length <= this.#setup.maxMsgSize ? envelope : body));
    }
    return Buffer.concat(parts);
  }
}

/** The bodies of `count` messages as in an MPUB. */
function plain(records: Buffer, count: number): Buffer {
  const bodies = Buffer.allocUnsafe(records.length - count * BODY_AT);
  let end = 0;
  for (const message of messagesOf(records)) {
    end = bodies.writeUInt32BE(message.length - BODY_AT, end);
    end += message.copy(bodies, end, BODY_AT);
  }
  return bodies;
}

/** Shape: each timestamp(8) attempts(2) id(16) body. */
function* messagesOf(records: Buffer): Generator<Buffer> {
  for (let at = 0; at < records.length; ) {
    const size = records.readUInt32BE(at);
    yield records.subarray(at + SIZE_BYTES, at + SIZE_BYTES + size);
    at += SIZE_BYTES + size;
  }
}

function sized(body: Buffer): [Buffer, Buffer] {
  const size = Buffer.allocUnsafe(SIZE_BYTES);
  size.writeUInt32BE(body.length);
  return [size, body];
}

/** JSON; the timestamp is in ns since 1970, exact in the text although it exceeds a double's precision. */
function envelopeOf({ reason, topic, channel }: DeadLetterHead, message: Buffer): string {
  const body = message.subarray(BODY_AT);
  const isText = isUtf8(body);
  const fields = [
    `"reason":"${reason}"`,
    `"topic":${JSON.stringify(topic)}`,
    `"channel":${JSON.stringify(channel)}`,
    `"id":"${message.toString('latin1', ID_AT, BODY_AT)}"`,
    `"attempts":${message.readUInt16BE(ATTEMPTS_AT)}`,
    `"timestamp":${message.readBigInt64BE(0)}`,
    `"encoding":"${isText ? 'utf-8' : 'base64'}"`,
    `"body":${JSON.stringify(body.toString(isText ? 'utf8' : 'base64'))}`,
  ];
  return `{${fields.join(',')}}`;
}
