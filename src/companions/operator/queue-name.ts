/**
 * A topic, or a channel of it, as operators name it: `orders`, or `orders:billing`.
 *
 * Thread: any.
 */

import { BadUsage } from './failures.ts';

/** `channel` is empty for the topic itself. */
export type QueueName = { readonly topic: string; readonly channel: string };

const ID = /^[0-9a-f]{16}$/i;

/** Splits a name. No topic's name has a colon. */
export function queueName(text: string): QueueName {
  const colon = text.indexOf(':');
  if (colon === -1) return { topic: text, channel: '' };
  return { topic: text.slice(0, colon), channel: text.slice(colon + 1) };
}

/** Errors: throws if a word is not the id of a message, for example a channel that should follow a colon. */
export function messageId(text: string, source: string): string {
  if (ID.test(text)) return text;
  const hint = source.includes(':') ? '' : `; a channel is written ${source}:${text}`;
  throw new BadUsage(`an id has 16 hex digits, and ${JSON.stringify(text)} has not${hint}`);
}
