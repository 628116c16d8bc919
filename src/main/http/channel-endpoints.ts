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
import type { StreamStart } from '../../shared/control.ts';
import {
  type ChannelName,
  parseChannelName,
  parseTopicName,
  type TopicName,
} from '../../shared/names.ts';
import type { HttpBroker } from '../topics/broker.ts';
import { PublishRefused } from '../topics/publisher.ts';
import { timeOf, withReason } from './messages/message-query.ts';
import {
  CHANNEL_NOT_FOUND,
  INVALID_ARG_CHANNEL,
  INVALID_ARG_TOPIC,
  MISSING_ARG_CHANNEL,
  MISSING_ARG_TOPIC,
  TOPIC_NOT_FOUND,
} from './refusals.ts';

/** From 1: a message's place in its topic. */
const SEQUENCE = /^[1-9]\d{0,14}$/;
const INVALID_FROM = withReason(
  400,
  'INVALID_FROM',
  'from is "first", the number of a message, or an RFC 3339 time',
);

type Setup = { readonly broker: HttpBroker; readonly logger: Logger };

/** The names of the topic and the channel in a request, and where a channel that is created begins, if it says so. */
type Target = {
  readonly topic: TopicName;
  readonly channel: ChannelName;
  readonly start: StreamStart | null;
};

/** An operation on a channel of an existing topic. */
type Work = (target: Target) => Answer | Promise<Answer> | Promise<void>;

/** The endpoints under `/channel`. */
export function channelRoutes({ broker, logger }: Setup): Route[] {
  const answer = async (rawQuery: string, path: string, work: Work): Promise<Answer> => {
    const target = targetOf(rawQuery);
    if ('status' in target) return target;
    if (!broker.hasTopic(target.topic)) return TOPIC_NOT_FOUND;
    const outcome = work(target);
    if ('status' in outcome) return outcome;
    try {
      return (await outcome) ?? DONE;
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
    route('/channel/create', ({ topic, channel, start }) => {
      if (start === null) return broker.createChannel(topic, channel);
      return startChannel(broker, topic, channel, start);
    }),
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

async function startChannel(
  broker: HttpBroker,
  topic: TopicName,
  channel: ChannelName,
  start: StreamStart,
): Promise<Answer> {
  const reason = await broker.startChannel(topic, channel, start);
  return reason === null ? DONE : withReason(400, 'REPLAY_REFUSED', reason);
}

/** Both names, and where a channel begins, or the error, checked in nsqd's order. */
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
  if (channel === undefined) return INVALID_ARG_CHANNEL;
  const start = startOf(query.get('from'));
  return start === undefined ? INVALID_FROM : { topic, channel, start };
}

/** Null without it; undefined if it says nothing. */
function startOf(text: string | undefined): StreamStart | null | undefined {
  if (text === undefined) return null;
  if (text === 'first') return { sequence: 1 };
  if (SEQUENCE.test(text)) return { sequence: Number(text) };
  const unixMs = timeOf(text);
  return unixMs === undefined ? undefined : { unixMs };
}
