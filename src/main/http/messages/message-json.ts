/**
 * Messages in the form that operators see.
 *
 * Thread: any (pure).
 */

import { isUtf8 } from 'node:buffer';
import type { OperatorMessage } from '../../topics/message-operations.ts';

/** A message as a JSON value. */
export function messageJson(message: OperatorMessage): object {
  const { holder, size, dueMs, deadlineMs } = message;
  const body = Buffer.from(message.body);
  const text = textOf(body, size > body.length);
  return {
    id: message.id,
    state: message.state,
    published: time(message.publishedMs),
    attempts: message.attempts,
    due: dueMs === 0 ? null : time(dueMs),
    deadline: deadlineMs === 0 ? null : time(deadlineMs),
    consumer:
      holder === null
        ? null
        : {
            client_id: holder.settings.clientId,
            hostname: holder.settings.hostname,
            remote_address: holder.remoteAddress,
          },
    on_disk: message.isOnDisk,
    size,
    encoding: text === undefined ? 'base64' : 'text',
    body: text ?? body.toString('base64'),
    truncated: size > body.length,
  };
}

/**
 * The text of a body; undefined if it is not UTF-8. If the body is cut within its last character, that character is
 * omitted.
 */
function textOf(body: Buffer, isCut: boolean): string | undefined {
  if (isUtf8(body)) return body.toString();
  if (!isCut) return undefined;
  for (let cut = 1; cut < 4; cut++) {
    const rest = body.subarray(0, Math.max(0, body.length - cut));
    if (isUtf8(rest)) return rest.toString();
  }
  return undefined;
}

function time(unixMs: number): string {
  const date = new Date(unixMs);
  // A record of another program may have any timestamp.
  return Number.isNaN(date.getTime()) ? new Date(0).toISOString() : date.toISOString();
}
