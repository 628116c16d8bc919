/**
 * Publishing: `/pub` and `/mpub`. The checks are in nsqd's order, which clients can see.
 *
 * Only what has to wait is a promise. A body is copied once, from the socket's chunks to the publication.
 *
 * Thread: main.
 * Source: nsqd `doPUB` and `doMPUB`. Differs for a chunked binary `/mpub`: it is bounded by max-body-size like any
 * other, while nsqd bounds only the count and each message.
 */

import { goQuote } from '../../daemon/go/go-text.ts';
import { type Answer, OK, refusal } from '../../daemon/http/answer.ts';
import type { Exchange } from '../../daemon/http/exchange.ts';
import { Query } from '../../daemon/http/query.ts';
import type { GatheredBody } from '../../daemon/http/request-body.ts';
import type { Route } from '../../daemon/http/router.ts';
import { INVALID_REQUEST } from '../../daemon/http/server-refusals.ts';
import type { Logger } from '../../daemon/log.ts';
import { writeUint32 } from '../../shared/big-endian.ts';
import { SIZE_BYTES } from '../../shared/limits.ts';
import { parseTopicName, type TopicName } from '../../shared/names.ts';
import { SlicedWork } from '../limits/sliced-work.ts';
import { spareBuffers } from '../tcp/spare-buffers.ts';
import type { HttpBroker } from '../topics/broker.ts';
import { PublishRefused } from '../topics/publisher.ts';
import { TOPIC_FORBIDDEN } from './http-access.ts';
import { hasLongLine, type MpubMessages, splitLines, takeSized } from './mpub-body.ts';
import {
  BAD_BODY,
  BAD_MESSAGE,
  BODY_TOO_BIG,
  EXITING,
  INVALID_DEFER,
  INVALID_TOPIC,
  MISSING_ARG_TOPIC,
  MSG_EMPTY,
  MSG_TOO_BIG,
} from './refusals.ts';

/** Larger messages count as memory for bodies until they are published. */
const HELD_BYTES_MIN = 64 * 1024;
const INTEGER = /^[+-]?[0-9]+$/;

/** The known values of `binary`; any other value means yes. */
const BINARY_VALUES: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
]);

/** The part of a request that publishing needs; see `Exchange`. */
export type PublishExchange = Pick<
  Exchange,
  'client' | 'rawQuery' | 'isBeyond' | 'gather' | 'hold' | 'answer' | 'fail'
>;

/** The meaning of a request's query, or the reason that it is refused. */
type Target = { readonly query: Query; readonly topic: TopicName } | Answer;

/** The endpoints that publish. */
export function publishRoutes(endpoints: PublishEndpoints): Route[] {
  return [
    { method: 'POST', path: '/pub', isQuiet: true, handle: (exchange) => endpoints.one(exchange) },
    {
      method: 'POST',
      path: '/mpub',
      isQuiet: true,
      handle: (exchange) => endpoints.many(exchange),
    },
  ];
}

export class PublishEndpoints {
  readonly #broker: HttpBroker;
  readonly #logger: Logger;
  readonly #work = new SlicedWork();
  /** The last query and its meaning: the next one is likely to be the same. */
  #lastQuery = '';
  #lastTarget: Target = targetOf('');

  constructor(broker: HttpBroker, logger: Logger) {
    this.#broker = broker;
    this.#logger = logger;
  }

  /** Most bytes of the body of one message, or of many. */
  bodyBytesMax(isMany: boolean): number {
    const { maxMsgSize, maxBodySize } = this.#broker.options;
    return isMany ? maxBodySize : maxMsgSize;
  }

  /** `/pub`: the body is the message. */
  one(exchange: PublishExchange): void {
    exchange.gather(SIZE_BYTES, this.#broker.options.maxMsgSize, ({ bytes, isWhole }) => {
      if (!isWhole) return exchange.answer(MSG_TOO_BIG);
      if (bytes.length === SIZE_BYTES) return exchange.answer(MSG_EMPTY);
      const target = this.#targetOf(exchange.rawQuery);
      if ('status' in target) return exchange.answer(target);

      const { query, topic } = target;
      if (exchange.client?.mayPublish(topic) === false) return exchange.answer(TOPIC_FORBIDDEN);
      this.#withTopic(exchange, topic, () => {
        const deferMs = this.#deferMs(query);
        if (deferMs === undefined) return exchange.answer(INVALID_DEFER);
        writeUint32(bytes.length - SIZE_BYTES, bytes, 0);
        this.#publish(exchange, topic, { bytes, count: 1 }, deferMs);
      });
    });
  }

  /** `/mpub`: the body is many messages, in one of two forms. */
  many(exchange: PublishExchange): void {
    const { maxBodySize } = this.#broker.options;
    const target = exchange.isBeyond(maxBodySize)
      ? BODY_TOO_BIG
      : this.#targetOf(exchange.rawQuery);
    if ('status' in target) {
      exchange.answer(target);
      return;
    }

    const { query, topic } = target;
    if (exchange.client?.mayPublish(topic) === false) {
      exchange.answer(TOPIC_FORBIDDEN);
      return;
    }
    this.#withTopic(exchange, topic, () => {
      const isBinary = this.#isBinary(query);
      exchange.gather(0, maxBodySize, (body) => {
        this.#work.add(isBinary ? this.#sized(body) : this.#lines(body), {
          onPostponed: () => exchange.hold(body.bytes.length),
          onDone: (batch) => {
            if ('status' in batch) exchange.answer(batch);
            else if (batch.count === 0) exchange.answer(OK);
            else this.#publishMany(exchange, topic, batch);
          },
          onFailed: (error) => exchange.fail(error),
        });
      });
    });
  }

  /** Continues when the topic exists, at once if it already does. */
  #withTopic(exchange: PublishExchange, topic: TopicName, onReady: () => void): void {
    if (this.#broker.hasTopic(topic)) {
      onReady();
      return;
    }
    const created = this.#broker.createTopic(topic);
    const proceed = (): void => {
      try {
        onReady();
      } catch (error) {
        exchange.fail(error);
      }
    };
    created.then(proceed, (error) => this.#refuse(exchange, topic, error));
  }

  #publishMany(exchange: PublishExchange, topic: TopicName, batch: MpubMessages): void {
    // Waiting for a pump may take longer than receiving the body.
    if (batch.bytes.length > HELD_BYTES_MIN) exchange.hold(batch.bytes.length);
    this.#publish(exchange, topic, batch, 0);
  }

  #publish(
    exchange: PublishExchange,
    topic: TopicName,
    batch: MpubMessages,
    deferMs: number,
  ): void {
    if (this.#broker.tryPublish(topic, batch.bytes, batch.count, deferMs)) {
      if (batch.spare !== undefined) spareBuffers.give(batch.spare);
      exchange.answer(OK);
      return;
    }
    this.#broker.publish(topic, batch.bytes, batch.count, deferMs).then(
      () => exchange.answer(OK),
      (error) => this.#refuse(exchange, topic, error),
    );
  }

  /** nsqd has one answer for a topic that is being deleted and for a disk that fails. It has no other reasons. */
  #refuse(exchange: PublishExchange, topic: TopicName, error: unknown): void {
    this.#logger.error(`failed to publish to topic ${topic} - ${String(error)}`);
    exchange.answer(error instanceof PublishRefused ? refusal(503, error.message) : EXITING);
  }

  #targetOf(rawQuery: string): Target {
    if (rawQuery !== this.#lastQuery) {
      this.#lastTarget = targetOf(rawQuery);
      this.#lastQuery = rawQuery;
    }
    return this.#lastTarget;
  }

  /** Units: ms. Errors: undefined if it is not a number from 0 to max-req-timeout. */
  #deferMs(query: Query): number | undefined {
    const text = query.get('defer');
    if (text === undefined) return 0;
    const deferMs = INTEGER.test(text) ? Number(text) : -1;
    // A negative zero counts as zero.
    return deferMs >= 0 && deferMs <= this.#broker.options.maxReqTimeoutMs
      ? deferMs + 0
      : undefined;
  }

  #isBinary(query: Query): boolean {
    const text = query.get('binary');
    if (text === undefined) return false;
    const known = BINARY_VALUES.get(text);
    if (known !== undefined) return known;
    this.#logger.warn(`deprecated value ${goQuote(text)} used for /mpub binary param`);
    return true;
  }

  *#lines({ bytes, isWhole }: GatheredBody): Generator<void, MpubMessages | Answer> {
    const { maxMsgSize } = this.#broker.options;
    // nsqd reads line by line, so it finds a long line before it reaches the limit.
    if (!isWhole) return (yield* hasLongLine(bytes, maxMsgSize)) ? MSG_TOO_BIG : BODY_TOO_BIG;
    const batch = yield* splitLines(bytes, maxMsgSize);
    return batch === 'too big' ? MSG_TOO_BIG : batch;
  }

  *#sized({ bytes, isWhole }: GatheredBody): Generator<void, MpubMessages | Answer> {
    const { maxMsgSize, maxBodySize } = this.#broker.options;
    if (!isWhole) return BODY_TOO_BIG;
    const batch = yield* takeSized(bytes, maxMsgSize, maxBodySize);
    if (batch === 'bad body') return BAD_BODY;
    return batch === 'bad message' ? BAD_MESSAGE : batch;
  }
}

/** The parameters of a request with its topic, or the reason that the topic is missing. */
function targetOf(rawQuery: string): Target {
  const query = Query.parse(rawQuery);
  if (query === undefined) return INVALID_REQUEST;
  const text = query.get('topic');
  if (text === undefined) return MISSING_ARG_TOPIC;
  const topic = parseTopicName(text);
  return topic === undefined ? INVALID_TOPIC : { query, topic };
}
