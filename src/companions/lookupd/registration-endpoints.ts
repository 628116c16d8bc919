/**
 * Changes to topics and channels: create, delete, tombstone.
 *
 * Thread: main.
 * Source: nsqlookupd `http.go`. Differs in that `*` is not a wildcard.
 */

import { type Answer, DONE } from '../../daemon/http/answer.ts';
import { Query } from '../../daemon/http/query.ts';
import type { Route } from '../../daemon/http/router.ts';
import { INVALID_REQUEST } from '../../daemon/http/server-refusals.ts';
import type { Logger } from '../../daemon/log.ts';
import {
  type ChannelName,
  parseChannelName,
  parseTopicName,
  type TopicName,
} from '../../shared/names.ts';
import {
  CHANNEL_NOT_FOUND,
  INVALID_ARG_CHANNEL,
  INVALID_ARG_TOPIC,
  MISSING_ARG_CHANNEL,
  MISSING_ARG_NODE,
  MISSING_ARG_TOPIC,
  TOO_MANY_REGISTRATIONS,
} from './lookupd-refusals.ts';
import type { Registrations } from './registrations.ts';

type Setup = { readonly registrations: Registrations; readonly logger: Logger };

/** Carries out a request on a topic, whose name may be anything. */
type Work = (topic: string, query: Query) => Answer;

/** The endpoints that change registrations. */
export function registrationRoutes({ registrations, logger }: Setup): Route[] {
  return [
    route('/topic/create', (text) => {
      const topic = parseTopicName(text);
      if (topic === undefined) return INVALID_ARG_TOPIC;
      logger.info(`DB: adding topic(${topic})`);
      return registrations.create(topic, null) === undefined ? TOO_MANY_REGISTRATIONS : DONE;
    }),
    route('/topic/delete', (topic) => {
      for (const channel of registrations.topics.get(topic)?.channels.keys() ?? []) {
        logger.info(`DB: removing channel(${channel}) from topic(${topic})`);
      }
      if (registrations.topics.has(topic)) logger.info(`DB: removing topic(${topic})`);
      registrations.deleteTopic(topic);
      return DONE;
    }),
    route('/topic/tombstone', (topic, query) => {
      const node = query.get('node');
      if (node === undefined) return MISSING_ARG_NODE;
      logger.info(`DB: setting tombstone for producer@${node} of topic(${topic})`);
      registrations.tombstone(topic, node);
      return DONE;
    }),
    forChannel('/channel/create', (topic, channel) => {
      logger.info(`DB: adding channel(${channel}) in topic(${topic})`);
      logger.info(`DB: adding topic(${topic})`);
      return registrations.create(topic, channel) === undefined ? TOO_MANY_REGISTRATIONS : DONE;
    }),
    forChannel('/channel/delete', (topic, channel) => {
      if (!registrations.deleteChannel(topic, channel)) return CHANNEL_NOT_FOUND;
      logger.info(`DB: removing channel(${channel}) from topic(${topic})`);
      return DONE;
    }),
  ];
}

function route(path: string, work: Work): Route {
  return {
    method: 'POST',
    path,
    isQuiet: false,
    handle: (exchange) => {
      const query = Query.parse(exchange.rawQuery);
      const topic = query?.get('topic');
      if (query === undefined) exchange.answer(INVALID_REQUEST);
      else exchange.answer(topic === undefined ? MISSING_ARG_TOPIC : work(topic, query));
    },
  };
}

function forChannel(path: string, work: (topic: TopicName, channel: ChannelName) => Answer): Route {
  return route(path, (topicText, query) => {
    const topic = parseTopicName(topicText);
    if (topic === undefined) return INVALID_ARG_TOPIC;
    const channelText = query.get('channel');
    if (channelText === undefined) return MISSING_ARG_CHANNEL;
    const channel = parseChannelName(channelText);
    return channel === undefined ? INVALID_ARG_CHANNEL : work(topic, channel);
  });
}
