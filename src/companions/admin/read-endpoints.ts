/**
 * Topics, channels, nodes and the counter, under `/api`.
 *
 * Thread: main.
 * Source: nsqadmin `http.go`.
 */

import { goQuote } from '../../daemon/go/go-text.ts';
import { refusal } from '../../daemon/http/answer.ts';
import type { Exchange } from '../../daemon/http/exchange.ts';
import { Query } from '../../daemon/http/query.ts';
import type { Route } from '../../daemon/http/router.ts';
import { type AdminContext, answerAsked, Warnings } from './admin-context.ts';
import { CHANNEL_NOT_FOUND, NODE_NOT_FOUND } from './admin-refusals.ts';
import { httpAddress } from './producers.ts';
import { addTopic, type ChannelStats, sortedByNearness, topicSum } from './queue-stats.ts';

/** A `%` that starts no escape in a query. */
const BAD_ESCAPE = /%(?![0-9A-Fa-f]{2}).{0,2}/;

/** The endpoints. */
export function readRoutes(context: AdminContext): Route[] {
  const get = (path: string, handle: (exchange: Exchange) => void): Route => {
    return { method: 'GET', path: `/api${path}`, isQuiet: false, handle };
  };
  return [
    get('/topics', (exchange) => topics(context, exchange)),
    get('/topics/:topic', (exchange) => topic(context, exchange)),
    get('/topics/:topic/:channel', (exchange) => channel(context, exchange)),
    get('/nodes', (exchange) => nodes(context, exchange)),
    get('/nodes/:node', (exchange) => node(context, exchange)),
    get('/counter', (exchange) => counter(context, exchange)),
  ];
}

function topics(context: AdminContext, exchange: Exchange): void {
  const query = Query.parse(exchange.rawQuery);
  if (query === undefined) {
    exchange.answer(refusal(400, queryFault(exchange.rawQuery)));
    return;
  }
  const { cluster, logger } = context;
  answerAsked(exchange, context, 'get topics', async () => {
    const warnings = new Warnings(logger);
    const names = warnings.add(await cluster.topics());
    if (query.get('inactive') === 'true') {
      return warnings.answer({ topics: await cluster.inactiveTopics(names) });
    }
    return warnings.answer({ topics: names.length === 0 ? null : names });
  });
}

function topic(context: AdminContext, exchange: Exchange): void {
  const { cluster, logger } = context;
  const name = exchange.param;
  answerAsked(exchange, context, 'get topic metadata', async () => {
    const warnings = new Warnings(logger);
    const producers = warnings.add(await cluster.topicProducers(name));
    const question = { topic: name, withClients: false };
    const stats = warnings.add(await cluster.stats(producers, question));
    const sum = topicSum(name);
    for (const one of stats.topics) addTopic(sum, one);
    return warnings.answer(sum);
  });
}

function channel(context: AdminContext, exchange: Exchange): void {
  const { cluster, logger } = context;
  const [topicName, name] = exchange.param.split('/');
  answerAsked(exchange, context, 'get channel metadata', async () => {
    const warnings = new Warnings(logger);
    const producers = warnings.add(await cluster.topicProducers(topicName));
    const question = { topic: topicName, channel: name, withClients: true };
    const { channels } = warnings.add(await cluster.stats(producers, question));
    const sum = channels.get(name);
    if (sum === undefined) return CHANNEL_NOT_FOUND;
    const clients = sum.clients === null ? null : sortedByNearness(sum.clients);
    return warnings.answer({ ...sum, clients });
  });
}

function nodes(context: AdminContext, exchange: Exchange): void {
  const { cluster, logger } = context;
  answerAsked(exchange, context, 'get nodes', async () => {
    const warnings = new Warnings(logger);
    const all = warnings.add(await cluster.producers());
    return warnings.answer({ nodes: all.length === 0 ? null : all });
  });
}

function node(context: AdminContext, exchange: Exchange): void {
  const { cluster, logger } = context;
  answerAsked(exchange, context, 'get nsqd stats', async () => {
    const warnings = new Warnings(logger);
    const all = warnings.add(await cluster.producers());
    const one = all.find((producer) => httpAddress(producer) === exchange.param);
    if (one === undefined) return NODE_NOT_FOUND;
    const { topics: own } = warnings.add(await cluster.stats([one], { withClients: true }));
    const channels = own.flatMap((stats) => stats.channels ?? []);
    return warnings.answer({
      node: exchange.param,
      topics: own.length === 0 ? null : own,
      total_messages: own.reduce((sum, stats) => sum + stats.message_count, 0),
      total_clients: channels.reduce((sum, { clients }) => sum + (clients ?? []).length, 0),
    });
  });
}

function counter(context: AdminContext, exchange: Exchange): void {
  const { cluster, logger } = context;
  answerAsked(exchange, context, 'get nsqd stats', async () => {
    const warnings = new Warnings(logger);
    const producers = warnings.add(await cluster.producers());
    const { channels } = warnings.add(await cluster.stats(producers, { withClients: false }));
    return warnings.answer({ stats: countersOf(channels.values()) });
  });
}

/** Source: Go's `url.ParseQuery`. */
function queryFault(rawQuery: string): string {
  const wrong = BAD_ESCAPE.exec(rawQuery)?.[0];
  if (wrong === undefined) return 'invalid semicolon separator in query';
  return `invalid URL escape ${goQuote(wrong)}`;
}

/** Messages by topic, channel and node. */
function countersOf(channels: Iterable<ChannelStats>): object {
  const counters = new Map<string, { message_count: number }>();
  for (const { topic_name, channel_name, nodes: own } of channels) {
    for (const { node: address, message_count: count } of own ?? []) {
      const key = `${topic_name}:${channel_name}:${address}`;
      const known = counters.get(key) ?? {
        node: address,
        topic_name,
        channel_name,
        message_count: 0,
      };
      known.message_count += count;
      counters.set(key, known);
    }
  }
  return Object.fromEntries(counters);
}
