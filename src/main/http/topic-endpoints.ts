/**
 * The operators' endpoints for topics.
 *
 * Thread: main.
 * Source: nsqd `doCreateTopic`, `doDeleteTopic`, `doEmptyTopic`, `doPauseTopic`. As in nsqd, some check the name and
 * others only look it up.
 */

import { type Answer, DONE, refusal } from '../../daemon/http/answer.ts';
import type { Exchange } from '../../daemon/http/exchange.ts';
import { Query } from '../../daemon/http/query.ts';
import type { Route } from '../../daemon/http/router.ts';
import { INTERNAL_ERROR, INVALID_REQUEST } from '../../daemon/http/server-refusals.ts';
import type { Logger } from '../../daemon/log.ts';
import { rethrowBug } from '../../shared/assert.ts';
import { parseTopicName } from '../../shared/names.ts';
import type { HttpBroker } from '../topics/broker.ts';
import { PublishRefused } from '../topics/publisher.ts';
import { INVALID_TOPIC, MISSING_ARG_TOPIC, TOPIC_NOT_FOUND } from './refusals.ts';

type Setup = { readonly broker: HttpBroker; readonly logger: Logger };

/** An operation on the topic of this name. */
type Work = (topic: string) => Answer | Promise<void>;

/** The endpoints under `/topic`. */
export function topicRoutes({ broker, logger }: Setup): Route[] {
  const route = (path: string, work: Work): Route => ({
    method: 'POST',
    path,
    isQuiet: false,
    handle: (exchange) => exchange.answerWith(answer(exchange, path, work, logger)),
  });
  const ifKnown = (work: (topic: string) => Promise<void>): Work => {
    return (topic) => (broker.hasTopic(topic) ? work(topic) : TOPIC_NOT_FOUND);
  };
  const empty = ifKnown((topic) => broker.emptyTopic(topic));
  return [
    route('/topic/create', (text) => {
      const topic = parseTopicName(text);
      return topic === undefined ? INVALID_TOPIC : broker.createTopic(topic);
    }),
    route(
      '/topic/delete',
      ifKnown((topic) => broker.deleteTopic(topic)),
    ),
    route('/topic/empty', (text) => (parseTopicName(text) ? empty(text) : INVALID_TOPIC)),
    route(
      '/topic/pause',
      ifKnown((topic) => broker.pauseTopic(topic, true)),
    ),
    route(
      '/topic/unpause',
      ifKnown((topic) => broker.pauseTopic(topic, false)),
    ),
  ];
}

async function answer(
  exchange: Exchange,
  path: string,
  work: Work,
  logger: Logger,
): Promise<Answer> {
  const query = Query.parse(exchange.rawQuery);
  if (query === undefined) return INVALID_REQUEST;
  const topic = query.get('topic');
  if (topic === undefined) return MISSING_ARG_TOPIC;
  const outcome = work(topic);
  if ('status' in outcome) return outcome;
  try {
    await outcome;
    return DONE;
  } catch (error) {
    rethrowBug(error);
    if (error instanceof PublishRefused) return refusal(503, error.message);
    logger.error(`failure in ${path} - ${String(error)}`);
    return INTERNAL_ERROR;
  }
}
