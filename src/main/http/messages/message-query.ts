/**
 * The parameters of requests for messages.
 *
 * Thread: main.
 */

import { type Answer, jsonTextAnswer } from '../../../daemon/http/answer.ts';
import type { Query } from '../../../daemon/http/query.ts';
import type { MessageFilter, MessageState } from '../../../shared/message-survey.ts';
import { parseChannelName, parseTopicName } from '../../../shared/names.ts';
import type { HttpBroker } from '../../topics/broker.ts';
import {
  CHANNEL_NOT_FOUND,
  INVALID_ARG_CHANNEL,
  INVALID_TOPIC,
  MISSING_ARG_TOPIC,
  TOPIC_NOT_FOUND,
} from '../refusals.ts';

/** Messages on a page: the maximum and the default. */
const PAGE_MAX = 1000;
const PAGE_DEFAULT = 100;
/** Messages that one request with a filter changes: the maximum and the default. */
export const WORK_MAX = 10_000;
const WORK_DEFAULT = 1000;
const IDS_MAX = 256;
const BODY_DEFAULT = 4096;
const BODY_MAX = 1024 * 1024;
const MATCH_BYTES_MAX = 1024;
const DIGITS = /^\d{1,15}$/;
const ID = /^[0-9a-f]{16}$/;
/** RFC 3339, which `Date` parses as it is. */
const TIME = /^\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d))?$/;
const ALL_STATES: readonly MessageState[] = ['ready', 'deferred', 'in-flight'];
/** Messages that no consumer is working on. */
const WAITING_STATES: readonly MessageState[] = ['ready', 'deferred'];

/** A topic, or one of its channels. */
export type NamedQueue = { readonly topic: string; readonly channel: string | null };

/** A refusal with the reason. */
export function withReason(status: number, message: string, reason: string): Answer {
  return jsonTextAnswer(status, JSON.stringify({ message, reason }));
}

/** The topic and the channel that a query names, or the refusal. */
export function namedQueue(
  broker: HttpBroker,
  topicText: string | undefined,
  channelText: string | undefined,
): NamedQueue | Answer {
  if (topicText === undefined || topicText === '') return MISSING_ARG_TOPIC;
  const topic = parseTopicName(topicText);
  if (topic === undefined) return INVALID_TOPIC;
  if (!broker.hasTopic(topic)) return TOPIC_NOT_FOUND;
  if (channelText === undefined) return { topic, channel: null };
  const channel = parseChannelName(channelText);
  if (channel === undefined) return INVALID_ARG_CHANNEL;
  return broker.hasChannel(topic, channel) ? { topic, channel } : CHANNEL_NOT_FOUND;
}

/** The messages that a query selects. `states`: the default. */
export function filterOf(query: Query, states: 'all' | 'waiting'): MessageFilter | Answer {
  const given = query.get('state');
  const words = given?.split(',');
  const unknown = words?.find((word) => !ALL_STATES.includes(word as MessageState));
  if (unknown !== undefined) {
    return withReason(
      400,
      'INVALID_STATE',
      `state ${JSON.stringify(unknown)} is not one of ${ALL_STATES.join(', ')}`,
    );
  }
  const ids = idsOf(query);
  if (ids !== null && 'status' in ids) return ids;
  const sinceMs = sinceOf(query.get('since'));
  if (sinceMs === undefined) {
    return withReason(400, 'INVALID_SINCE', 'since is an RFC 3339 time or Unix time in ms');
  }
  const match = matchOf(query.get('match'));
  if (match === undefined) {
    return withReason(400, 'INVALID_MATCH', `match has 1 to ${MATCH_BYTES_MAX} bytes`);
  }
  const byDefault = states === 'all' || ids !== null ? ALL_STATES : WAITING_STATES;
  return { states: (words as MessageState[] | undefined) ?? byDefault, ids, sinceMs, match };
}

/** Whether a query selects messages at all. */
export function isSelective(query: Query): boolean {
  const parameters = ['id', 'state', 'since', 'match'];
  return query.get('all') === 'true' || parameters.some((name) => query.get(name) !== undefined);
}

/** Most messages on a page. */
export function pageLimit(query: Query, isStream: boolean): number | Answer {
  const all = Number.MAX_SAFE_INTEGER;
  return limitOf(query, isStream ? all : PAGE_MAX, isStream ? all : PAGE_DEFAULT);
}

/** Most messages that a request changes. */
export function workLimit(query: Query): number | Answer {
  return limitOf(query, WORK_MAX, WORK_DEFAULT);
}

/** Units: bytes to show of each body. */
export function bodyMaxOf(query: Query): number | Answer {
  const text = query.get('body-max');
  if (text === undefined) return BODY_DEFAULT;
  const bytes = DIGITS.test(text) ? Number(text) : Number.NaN;
  if (bytes <= BODY_MAX) return bytes;
  return withReason(400, 'INVALID_BODY_MAX', `body-max is a number of bytes up to ${BODY_MAX}`);
}

/** Units: ms. */
export function delayOf(query: Query, delayMaxMs: number): number | Answer {
  const text = query.get('delay');
  if (text === undefined) return 0;
  const delayMs = DIGITS.test(text) ? Number(text) : Number.NaN;
  if (delayMs <= delayMaxMs) return delayMs;
  return withReason(400, 'INVALID_DELAY', `delay is a number of ms up to ${delayMaxMs}`);
}

function limitOf(query: Query, max: number, byDefault: number): number | Answer {
  const text = query.get('limit');
  if (text === undefined) return byDefault;
  const limit = DIGITS.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= max) return limit;
  return withReason(400, 'INVALID_LIMIT', `limit is a number from 1 to ${max}`);
}

function idsOf(query: Query): string[] | null | Answer {
  const text = query.get('id');
  if (text === undefined) return null;
  const ids = [...new Set(text.split(','))];
  const wrong = ids.find((id) => !ID.test(id));
  if (wrong !== undefined) {
    return withReason(400, 'INVALID_ID', `id ${JSON.stringify(wrong)} is not 16 hex digits`);
  }
  if (ids.length <= IDS_MAX) return ids;
  return withReason(400, 'INVALID_ID', `a request names at most ${IDS_MAX} ids`);
}

/** Unix time in ms, 0 for none; undefined if the text is not a time. */
function sinceOf(text: string | undefined): number | undefined {
  if (text === undefined) return 0;
  return DIGITS.test(text) ? Number(text) : timeOf(text);
}

/** An RFC 3339 time as Unix time in ms; undefined if the text is not one. */
export function timeOf(text: string): number | undefined {
  const timeMs = TIME.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(timeMs) ? undefined : Math.max(0, timeMs);
}

/** Null for none; undefined if it is too long. */
function matchOf(text: string | undefined): Uint8Array | null | undefined {
  if (text === undefined) return null;
  const bytes = Buffer.from(text);
  return bytes.length >= 1 && bytes.length <= MATCH_BYTES_MAX ? bytes : undefined;
}
