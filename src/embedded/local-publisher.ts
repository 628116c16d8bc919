/**
 * Publishes from within the process: bodies are encoded as on the wire, and go to the same publisher as those of
 * sockets.
 *
 * Bound: the publish ring. Without room, a publish waits; its promise is the back-pressure.
 * Thread: main.
 */

import type { Codec } from '../client/body-codec.ts';
import { NsqError } from '../client/nsq-error.ts';
import { OptionChecks } from '../client/option-checks.ts';
import type { Options } from '../main/options/options.ts';
import type { HttpBroker } from '../main/topics/broker.ts';
import { errorText, valueText } from '../shared/error-text.ts';
import { SIZE_BYTES } from '../shared/limits.ts';
import type { TopicName } from '../shared/names.ts';
import { checkedTopic } from './checked-names.ts';

/**
 * How a message is published.
 *
 * @example
 * ```ts
 * import { createBroker, type LocalPublishOptions } from 'ringmq';
 *
 * const broker = await createBroker({ memory: true });
 * const inAMinute: LocalPublishOptions = { delayMs: 60_000 };
 * await broker.publish('reminders', 'wake up', inAMinute);
 * await broker.close();
 * ```
 */
export type LocalPublishOptions = {
  /** How long the message is deferred. Default: 0. Units: whole ms. */
  readonly delayMs?: number | undefined;
};

type Command = 'PUB' | 'MPUB';

const NO_OPTIONS: LocalPublishOptions = {};
const KEPT = Promise.resolve();

export class LocalPublisher {
  readonly #broker: Pick<HttpBroker, 'tryPublish' | 'publish'>;
  readonly #options: Options;
  readonly #codec: Codec<unknown>;
  /** The name of the last call, because the next call probably has the same. */
  #lastTopic: TopicName | undefined;
  /** Waiting publishes, by the functions that reject them. */
  readonly #waiting = new Set<(error: NsqError) => void>();
  #onIdle: (() => void) | null = null;
  #ended: NsqError | null = null;

  constructor(
    broker: Pick<HttpBroker, 'tryPublish' | 'publish'>,
    options: Options,
    codec: Codec<unknown>,
  ) {
    this.#broker = broker;
    this.#options = options;
    this.#codec = codec;
  }

  /** Errors: rejects with an NsqError if the message is not kept. */
  publish(topic: string, body: unknown, options = NO_OPTIONS): Promise<void> {
    try {
      const name = this.#topicName(topic);
      const messages = Buffer.concat(this.#sized(topic, body));
      return this.#send('PUB', name, messages, 1, this.#delayMs(options));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The broker keeps all messages or none. Errors: as `publish`. */
  publishMany(topic: string, bodies: readonly unknown[], options = NO_OPTIONS): Promise<void> {
    try {
      if (!Array.isArray(bodies)) {
        const what = `the messages are not an array, but ${valueText(bodies)}`;
        throw new NsqError('E_BAD_MESSAGE', what);
      }
      if (bodies.length === 0) return KEPT;
      const name = this.#topicName(topic);
      const parts: Buffer[] = [];
      // Counted here: an array may have holes, and the program's codec may change its length.
      let count = 0;
      for (const body of bodies) {
        parts.push(...this.#sized(topic, body));
        count++;
      }
      const messages = Buffer.concat(parts);
      const { maxBodySize } = this.#options;
      if (messages.length > maxBodySize) {
        const what = `MPUB body too big ${messages.length} > ${maxBodySize}`;
        throw new NsqError('E_BAD_BODY', what, { topic });
      }
      return this.#send('MPUB', name, messages, count, this.#delayMs(options));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Rejects all further publishes with this error. */
  close(error: NsqError): void {
    this.#ended ??= error;
  }

  /** Resolves when no publish waits. */
  async settled(): Promise<void> {
    if (this.#waiting.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }

  /** Rejects all waiting publishes. */
  abort(error: NsqError): void {
    this.close(error);
    for (const reject of [...this.#waiting]) reject(error);
  }

  #send(
    command: Command,
    topic: TopicName,
    messages: Buffer,
    count: number,
    delayMs: number,
  ): Promise<void> {
    if (this.#ended !== null) throw this.#ended;
    if (this.#broker.tryPublish(topic, messages, count, delayMs)) return KEPT;
    return new Promise((resolve, reject) => {
      const settle = (error: NsqError | null): void => {
        if (!this.#waiting.delete(settle)) return;
        if (error === null) resolve();
        else reject(error);
        if (this.#waiting.size === 0) this.#onIdle?.();
      };
      this.#waiting.add(settle);
      this.#broker.publish(topic, messages, count, delayMs).then(
        () => settle(null),
        (cause: unknown) => {
          const name = delayMs > 0 ? `D${command.replace('M', '')}` : command;
          const what = `${name} failed ${errorText(cause)}`;
          settle(new NsqError(`E_${name}_FAILED`, what, { topic, cause }));
        },
      );
    });
  }

  #topicName(topic: string): TopicName {
    if (topic === this.#lastTopic) return this.#lastTopic;
    this.#lastTopic = checkedTopic(topic);
    return this.#lastTopic;
  }

  #delayMs(options: LocalPublishOptions): number {
    if (options === NO_OPTIONS) return 0;
    const checks = new OptionChecks(options, ['delayMs']);
    return checks.integer('delayMs', 0, 0, this.#options.maxReqTimeoutMs);
  }

  /** The body after its size field. */
  #sized(topic: string, value: unknown): readonly [size: Buffer, body: Buffer] {
    const body = this.#encoded(topic, value);
    const { maxMsgSize } = this.#options;
    if (body.length === 0 || body.length > maxMsgSize) {
      const what = body.length === 0 ? 'is empty' : `is too big ${body.length} > ${maxMsgSize}`;
      throw new NsqError('E_BAD_MESSAGE', `a message for ${topic} ${what}`, { topic });
    }
    const size = Buffer.allocUnsafe(SIZE_BYTES);
    size.writeUInt32BE(body.length);
    return [size, body];
  }

  #encoded(topic: string, value: unknown): Buffer {
    if (typeof value === 'string') return Buffer.from(value);
    try {
      if (value instanceof Uint8Array) return asBuffer(value);
      const encoded = this.#codec.encode(value);
      return typeof encoded === 'string' ? Buffer.from(encoded) : asBuffer(encoded);
    } catch (cause) {
      const what = `a message for ${topic} cannot be encoded: ${errorText(cause)}`;
      throw new NsqError('E_BAD_MESSAGE', what, { topic, cause });
    }
  }
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
