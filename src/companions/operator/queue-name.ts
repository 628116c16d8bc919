/**
 * A topic, or a channel of it, as operators name it: `orders`, or `orders:billing`.
 *
 * Thread: any.
 */

import { parseChannelName, parseTopicName } from '../../shared/names.ts';
import { BadUsage } from './failures.ts';

/** `channel` is empty for the topic itself. */
export type QueueName = { readonly topic: string; readonly channel: string };

const ID = /^[0-9a-f]{16}$/i;

/** Splits a name. No topic's name has a colon. Errors: throws for a name that no topic or channel can have. */
export function queueName(text: string): QueueName {
  const colon = text.indexOf(':');
  const topic = colon === -1 ? text : text.slice(0, colon);
  const channel = colon === -1 ? '' : text.slice(colon + 1);
  const isValid = parseTopicName(topic) !== undefined;
  if (isValid && (colon === -1 || parseChannelName(channel) !== undefined)) {
    return { topic, channel };
  }
  throw new BadUsage(
    `${JSON.stringify(text)} is not a valid name; a topic is written TOPIC, a channel TOPIC:CHANNEL`,
  );
}

/** Errors: throws if a word is not the id of a message, for example a channel that should follow a colon. */
export function messageId(text: string, source: string): string {
  if (ID.test(text)) return text;
  const hint = source.includes(':') ? '' : `; a channel is written ${source}:${text}`;
  throw new BadUsage(`${JSON.stringify(text)} is not an id, which has 16 hex digits${hint}`);
}
