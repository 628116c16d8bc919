/**
 * The operators' endpoints for channels.
 *
 * Thread: main.
 * Source: nsqd `doCreateChannel`, `doDeleteChannel`, `doEmptyChannel`, `doPauseChannel`.
 */

import { type Answer, DONE, refusal } from '../../daemon/http/answer.ts';
import { Query } from '../../daemon/http/query.ts';
import type { Route } from '../../daemon/http/router.ts';
import { INTERNAL_ERROR, INVALID_REQUEST } from '../../daemon/http/server-refusals.ts';
import type { Logger } from '../../daemon/log.ts';
import { rethrowBug } from '../../shared/assert.ts';
import {
  type ChannelName,
  parseChannelName,
  parseTopicName,
  type TopicName,
} from '../../shared/names.ts';
import type { HttpBroker } from '../topics/broker.ts';
import { PublishRefused } from '../topics/publisher.ts';
import {
  CHANNEL_NOT_FOUND,
  INVALID_ARG_CHANNEL,
  INVALID_ARG_TOPIC,
  MISSING_ARG_CHANNEL,
  MISSING_ARG_TOPIC,
  TOPIC_NOT_FOUND,
} from './refusals.ts';

type Setup = { readonly broker: HttpBroker; readonly logger: Logger };

/** The names of the topic and the channel in a request. */
type Target = { readonly topic: TopicName; readonly channel: ChannelName };

/** An operation on a channel of an existing topic. */
type Work = (target: Target) => Answer | Promise<void>;

/** The endpoints under `/channel`. */
export function channelRoutes({ broker, logger }: Setup): Route[] {
  const answer = async (rawQuery: string, path: string, work: Work): Promise<Answer> => {
    const target = targetOf(rawQuery);
    if ('status' in target) return target;
    if (!broker.hasTopic(target.topic)) return TOPIC_NOT_FOUND;
    const outcome = work(target);
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
  };
  const route = (path: string, work: Work): Route => ({
    method: 'POST',
    path,
    isQuiet: false,
    handle: (exchange) => exchange.answerWith(answer(exchange.rawQuery, path, work)),
  });
  const ifKnown = (work: (topic: string, channel: string) => Promise<void>): Work => {
    return ({ topic, channel }) =>
      broker.hasChannel(topic, channel) ? work(topic, channel) : CHANNEL_NOT_FOUND;
  };
  return [
    route('/channel/create', ({ topic, channel }) => broker.createChannel(topic, channel)),
    route(
      '/channel/delete',
      ifKnown((topic, channel) => broker.deleteChannel(topic, channel)),
    ),
    route(
      '/channel/empty',
      ifKnown((topic, channel) => broker.emptyChannel(topic, channel)),
    ),
    route(
      '/channel/pause',
      ifKnown((topic, channel) => broker.pauseChannel(topic, channel, true)),
    ),
    route(
      '/channel/unpause',
      ifKnown((topic, channel) => broker.pauseChannel(topic, channel, false)),
    ),
  ];
}

/** Both names, or the error, checked in nsqd's order. */
function targetOf(rawQuery: string): Target | Answer {
  const query = Query.parse(rawQuery);
  if (query === undefined) return INVALID_REQUEST;
  const topicText = query.get('topic');
  if (topicText === undefined) return MISSING_ARG_TOPIC;
  const topic = parseTopicName(topicText);
  if (topic === undefined) return INVALID_ARG_TOPIC;
  const channelText = query.get('channel');
  if (channelText === undefined) return MISSING_ARG_CHANNEL;
  const channel = parseChannelName(channelText);
  return channel === undefined ? INVALID_ARG_CHANNEL : { topic, channel };
}
