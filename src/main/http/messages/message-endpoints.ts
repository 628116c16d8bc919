/**
 * The endpoints with which operators read and handle messages: `/messages` and `/message`.
 *
 * Thread: main. Source: ours.
 */

import { Readable } from 'node:stream';
import { type Answer, jsonAnswer, jsonTextAnswer, refusal } from '../../../daemon/http/answer.ts';
import type { Exchange } from '../../../daemon/http/exchange.ts';
import { Query } from '../../../daemon/http/query.ts';
import type { Route } from '../../../daemon/http/router.ts';
import { INTERNAL_ERROR, INVALID_REQUEST } from '../../../daemon/http/server-refusals.ts';
import type { Logger } from '../../../daemon/log.ts';
import { rethrowBug } from '../../../shared/assert.ts';
import { errorText } from '../../../shared/error-text.ts';
import { parseTopicName } from '../../../shared/names.ts';
import type { HttpBroker } from '../../topics/broker.ts';
import {
  InvalidCursor,
  type MessageRequest,
  TargetGone,
  type WorkOutcome,
} from '../../topics/message-operations.ts';
import { INVALID_TOPIC, MISSING_ARG_CHANNEL, TOPIC_NOT_FOUND } from '../refusals.ts';
import { messageJson } from './message-json.ts';
import {
  bodyMaxOf,
  delayOf,
  filterOf,
  isSelective,
  type NamedQueue,
  namedQueue,
  pageLimit,
  WORK_MAX,
  withReason,
  workLimit,
} from './message-query.ts';

type Setup = { readonly broker: HttpBroker; readonly logger: Pick<Logger, 'error'> };

const MESSAGE_NOT_FOUND = refusal(404, 'MESSAGE_NOT_FOUND');
const MISSING_FILTER = withReason(
  400,
  'MISSING_FILTER',
  'select messages by id, state, since or match, or all with all=true',
);
const NDJSON = 'application/x-ndjson';
const NDJSON_HEADERS = ['Content-Type', NDJSON];

/** The endpoints for messages. */
export function messageRoutes(setup: Setup): Route[] {
  const { broker } = setup;
  const route = (
    method: Route['method'],
    path: string,
    work: (query: Query, exchange: Exchange) => Promise<Answer | undefined> | Answer,
  ): Route => ({
    method,
    path,
    isQuiet: false,
    handle: (exchange) => void carryOut(exchange, setup, path, work),
  });
  return [
    route('GET', '/messages', (query, exchange) => list(broker, query, exchange)),
    route('GET', '/message', (query, exchange) => find(broker, query, exchange)),
    route('POST', '/message/finish', (query, exchange) => {
      return work(broker, query, exchange, 'finish');
    }),
    route('POST', '/message/requeue', (query, exchange) => {
      return work(broker, query, exchange, 'requeue');
    }),
    route('POST', '/message/touch', (query, exchange) => work(broker, query, exchange, 'touch')),
    route('POST', '/messages/purge', (query, exchange) => purge(broker, query, exchange)),
    route('POST', '/messages/move', (query, exchange) => move(broker, query, exchange)),
  ];
}

async function carryOut(
  exchange: Exchange,
  { logger }: Setup,
  path: string,
  work: (query: Query, exchange: Exchange) => Promise<Answer | undefined> | Answer,
): Promise<void> {
  try {
    const query = Query.parse(exchange.rawQuery);
    const answer = query === undefined ? INVALID_REQUEST : await work(query, exchange);
    if (answer !== undefined) exchange.answer(answer);
  } catch (error) {
    try {
      rethrowBug(error);
      exchange.answer(failureAnswer(error, path, logger));
    } catch (bug) {
      exchange.fail(bug);
    }
  }
}

function failureAnswer(error: unknown, path: string, logger: Pick<Logger, 'error'>): Answer {
  if (error instanceof InvalidCursor) return withReason(400, 'INVALID_CURSOR', error.message);
  if (error instanceof TargetGone) return TOPIC_NOT_FOUND;
  logger.error(`failure in ${path} - ${errorText(error)}`);
  return INTERNAL_ERROR;
}

async function list(
  broker: HttpBroker,
  query: Query,
  exchange: Exchange,
): Promise<Answer | undefined> {
  const queue = namedQueue(broker, query.get('topic'), query.get('channel'));
  if ('status' in queue) return queue;
  const filter = filterOf(query, 'all');
  if ('status' in filter) return filter;
  const isStream = query.get('format') === 'ndjson' || exchange.header('accept') === NDJSON;
  const limit = pageLimit(query, isStream);
  if (typeof limit !== 'number') return limit;
  const bodyMax = bodyMaxOf(query);
  if (typeof bodyMax !== 'number') return bodyMax;
  const request: MessageRequest = { ...queue, filter, limit, cursor: query.get('cursor') ?? null };
  if (!isStream) {
    const { messages, cursor } = await broker.messages.list(request, bodyMax);
    return jsonAnswer({ ...queue, messages: messages.map(messageJson), cursor });
  }
  // The first page tells whether the queue can be listed.
  const first = await broker.messages.list(request, bodyMax);
  exchange.stream(NDJSON_HEADERS, Readable.from(lines(broker, request, bodyMax, first)));
  return undefined;
}

/** One message per line; at the limit, the cursor of the next page. */
async function* lines(
  broker: HttpBroker,
  request: MessageRequest,
  bodyMax: number,
  first: Awaited<ReturnType<HttpBroker['messages']['list']>>,
): AsyncGenerator<string> {
  let page = first;
  let left = request.limit;
  for (;;) {
    const { messages, cursor } = page;
    if (messages.length > 0) yield messages.map((one) => jsonLine(messageJson(one))).join('');
    left -= messages.length;
    if (cursor === null) return;
    if (left <= 0) {
      yield jsonLine({ cursor });
      return;
    }
    page = await broker.messages.list({ ...request, cursor, limit: left }, bodyMax);
  }
}

async function find(broker: HttpBroker, query: Query, exchange: Exchange): Promise<Answer> {
  const queue = namedQueue(broker, query.get('topic'), query.get('channel'));
  if ('status' in queue) return queue;
  const filter = filterOf(query, 'all');
  if ('status' in filter) return filter;
  if (filter.ids?.length !== 1) return withReason(400, 'INVALID_ID', 'one id is needed');
  const { topic, channel } = queue;
  const isWanted = whileConnected(exchange);
  const message = await broker.messages.find(topic, channel, filter.ids[0], isWanted);
  return message === undefined ? MESSAGE_NOT_FOUND : jsonAnswer(messageJson(message));
}

async function work(
  broker: HttpBroker,
  query: Query,
  exchange: Exchange,
  what: 'finish' | 'requeue' | 'touch',
): Promise<Answer> {
  const queue = namedQueue(broker, query.get('topic'), query.get('channel'));
  if ('status' in queue) return queue;
  if (queue.channel === null && what !== 'finish') return MISSING_ARG_CHANNEL;
  const delayMs = what === 'requeue' ? delayOf(query, broker.options.maxReqTimeoutMs) : 0;
  if (typeof delayMs !== 'number') return delayMs;
  const request = workRequest(query, queue, 'all');
  if ('status' in request) return request;
  const isWanted = whileConnected(exchange);
  const wanted = what === 'requeue' && delayMs === 0 ? withoutReady(request) : request;
  return workAnswer(queue, request, await broker.messages.work(wanted, what, delayMs, isWanted));
}

/** A ready message is requeued only if it is named by its id. */
function withoutReady(request: MessageRequest): MessageRequest {
  if (request.filter.ids !== null) return request;
  const states = request.filter.states.filter((state) => state !== 'ready');
  return { ...request, filter: { ...request.filter, states } };
}

async function purge(broker: HttpBroker, query: Query, exchange: Exchange): Promise<Answer> {
  const queue = namedQueue(broker, query.get('topic'), query.get('channel'));
  if ('status' in queue) return queue;
  const request = workRequest(query, queue, 'waiting');
  if ('status' in request) return request;
  const isWanted = whileConnected(exchange);
  return workAnswer(queue, request, await broker.messages.work(request, 'finish', 0, isWanted));
}

async function move(broker: HttpBroker, query: Query, exchange: Exchange): Promise<Answer> {
  const from = query.get('from');
  const colon = from?.indexOf(':') ?? -1;
  const queue =
    from === undefined || colon === -1
      ? namedQueue(broker, from, undefined)
      : namedQueue(broker, from.slice(0, colon), from.slice(colon + 1));
  if ('status' in queue) return queue;
  const to = parseTopicName(query.get('to') ?? '');
  if (to === undefined) return INVALID_TOPIC;
  if (to === queue.topic) {
    return withReason(400, 'INVALID_TARGET', 'messages do not move to the topic that they are in');
  }
  const request = moveRequest(query, queue);
  if ('status' in request) return request;
  const outcome = await broker.messages.move(request, to, whileConnected(exchange));
  const { count: done, notFound, cursor, failure } = outcome;
  if (failure !== null) {
    const answer = { message: 'MOVE_FAILED', reason: failure, done, cursor };
    return jsonTextAnswer(503, JSON.stringify(answer));
  }
  if (request.filter.ids?.length === 1 && done === 0) return MESSAGE_NOT_FOUND;
  return jsonAnswer({ from, to, done, not_found: notFound, cursor });
}

function workRequest(
  query: Query,
  queue: NamedQueue,
  states: 'all' | 'waiting',
): MessageRequest | Answer {
  return isSelective(query) ? moveRequest(query, queue, states) : MISSING_FILTER;
}

function moveRequest(
  query: Query,
  queue: NamedQueue,
  states: 'all' | 'waiting' = 'waiting',
): MessageRequest | Answer {
  const filter = filterOf(query, states);
  if ('status' in filter) return filter;
  const limit = filter.ids === null ? workLimit(query) : WORK_MAX;
  if (typeof limit !== 'number') return limit;
  return { ...queue, filter, limit, cursor: query.get('cursor') ?? null };
}

function workAnswer(
  queue: NamedQueue,
  { filter }: MessageRequest,
  { count: done, notFound, cursor }: WorkOutcome,
): Answer {
  if (filter.ids?.length === 1 && done === 0) return MESSAGE_NOT_FOUND;
  return jsonAnswer({ ...queue, done, not_found: notFound, cursor });
}

/** Whether the client still waits for the answer. */
function whileConnected(exchange: Exchange): () => boolean {
  let isConnected = true;
  exchange.onClosed(() => {
    isConnected = false;
  });
  return () => isConnected;
}

function jsonLine(value: object): string {
  return `${JSON.stringify(value)}\n`;
}
