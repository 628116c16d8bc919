/**
 * The queries of consumers and nsqadmin: `/lookup`, `/topics`, `/channels`, `/nodes`, and `/watch`, which is ours.
 *
 * Thread: main.
 * Source: nsqlookupd `http.go`. Differs in that `*` is not a wildcard.
 */

import { type Answer, jsonTextAnswer, refusal, resultHeaders } from '../../daemon/http/answer.ts';
import type { Exchange } from '../../daemon/http/exchange.ts';
import type { LargeAnswers } from '../../daemon/http/large-answers.ts';
import { Query } from '../../daemon/http/query.ts';
import type { Route } from '../../daemon/http/router.ts';
import { INVALID_REQUEST } from '../../daemon/http/server-refusals.ts';
import { parseTopicName } from '../../shared/names.ts';
import { INVALID_ARG_TOPIC, MISSING_ARG_TOPIC, TOO_MANY_WATCHERS } from './lookupd-refusals.ts';
import type { Producer } from './producer.ts';
import type { Registrations } from './registrations.ts';
import { listJson, type Watchers } from './watchers.ts';

type Setup = {
  readonly registrations: Registrations;
  readonly watchers: Watchers;
  readonly answers: LargeAnswers;
};

const TOPIC_NOT_FOUND = refusal(404, 'TOPIC_NOT_FOUND');
const NODES_HEADERS = resultHeaders('json');

/** The endpoints that report topics and their producers. */
export function lookupRoutes({ registrations, watchers, answers }: Setup): Route[] {
  const get = (path: string, handle: (exchange: Exchange) => void): Route => {
    return { method: 'GET', path, isQuiet: false, handle };
  };
  const forTopic = (path: string, answer: (topic: string) => Answer): Route => {
    return get(path, (exchange) => {
      const topic = topicOf(exchange);
      exchange.answer(typeof topic === 'string' ? answer(topic) : topic);
    });
  };
  return [
    forTopic('/lookup', (topic) => lookup(registrations, topic)),
    forTopic('/channels', (topic) => {
      const channels = channelsJson(registrations, topic);
      return jsonTextAnswer(200, `{"channels":${channels}}`);
    }),
    get('/topics', (exchange) => {
      exchange.answer(jsonTextAnswer(200, `{"topics":${registrations.topicsJson()}}`));
    }),
    get('/nodes', (exchange) => {
      answers.add(exchange, {
        key: '/nodes',
        headers: NODES_HEADERS,
        ask: async () => nodesText(registrations),
      });
    }),
    get('/watch', (exchange) => {
      const topic = topicOf(exchange);
      if (typeof topic !== 'string') exchange.answer(topic);
      else if (parseTopicName(topic) === undefined) exchange.answer(INVALID_ARG_TOPIC);
      else if (watchers.isFull) exchange.answer(TOO_MANY_WATCHERS);
      else watch(exchange, topic, watchers);
    }),
  ];
}

/** The parameter `topic`, which may have any value. */
function topicOf(exchange: Exchange): string | Answer {
  const query = Query.parse(exchange.rawQuery);
  if (query === undefined) return INVALID_REQUEST;
  return query.get('topic') ?? MISSING_ARG_TOPIC;
}

function lookup(registrations: Registrations, topicName: string): Answer {
  const topic = registrations.topics.get(topicName);
  if (topic === undefined || topic.producers === null) return TOPIC_NOT_FOUND;
  const channels = channelsJson(registrations, topicName);
  const producers = listJson(registrations.activeProducers(topic));
  return jsonTextAnswer(200, `{"channels":${channels},"producers":${producers}}`);
}

function channelsJson(registrations: Registrations, topicName: string): string {
  return JSON.stringify([...(registrations.topics.get(topicName)?.channels.keys() ?? [])]);
}

function watch(exchange: Exchange, topic: string, watchers: Watchers): void {
  const stream = exchange.sendEvents();
  if (stream === undefined) return;
  watchers.add(topic, stream);
  exchange.onClosed(() => watchers.remove(topic, stream));
}

/** All active nodes with their topics, node by node. */
function* nodesText(registrations: Registrations): Iterable<string> {
  yield '{"producers":[';
  let isFirst = true;
  for (const producer of registrations.producers()) {
    if (!registrations.isActive(producer)) continue;
    yield (isFirst ? '' : ',') + nodeJson(registrations, producer);
    isFirst = false;
  }
  yield ']}';
}

function nodeJson(registrations: Registrations, producer: Producer): string {
  const topics: string[] = [];
  const tombstones: boolean[] = [];
  for (const topic of registrations.topics.values()) {
    if (topic.producers?.has(producer.number) !== true) continue;
    topics.push(topic.name);
    tombstones.push(registrations.isTombstoned(producer, topic));
  }
  const lists = `"tombstones":[${tombstones.join(',')}],"topics":${JSON.stringify(topics)}`;
  return `{${producer.json},${lists}}`;
}
