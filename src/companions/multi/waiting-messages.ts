/**
 * Moves the waiting messages of a queue to another broker: publishes them there, and finishes them here when they are
 * accepted. A crash in between leaves a message on both brokers; none is lost.
 *
 * Bound: a page of PAGE_MESSAGES with PAGE_BODY_BYTES each, and one larger message, in memory.
 *
 * Thread: main.
 */

import type { BrokerHttp } from '../operator/broker-http.ts';
import type { QueueName } from '../operator/queue-name.ts';

/** A message as `GET /messages` shows it. Units: `due` RFC 3339. */
type ShownMessage = {
  readonly id: string;
  readonly due: string | null;
  readonly encoding: 'text' | 'base64';
  readonly body: string;
  readonly truncated: boolean;
};

type Page = { readonly messages: readonly ShownMessage[]; readonly cursor: string | null };

/** Most ids in one request. */
const PAGE_MESSAGES = 256;
const PAGE_BODY_BYTES = 64 * 1024;
/** The size of a multi-publish; brokers accept more by default. */
const BATCH_BYTES_MAX = 1024 * 1024;
const LENGTH_BYTES = 4;

/** The limits of the brokers. Units: `nowMs` Unix ms, `batchBytesMax` bytes. */
export type MoveLimits = {
  readonly nowMs: number;
  readonly delayMsMax: number;
  readonly batchBytesMax: number;
};

/** A message with its whole body. */
type Waiting = { readonly id: string; readonly body: Buffer };

/**
 * Moves one page. Resolves with the number of moved messages. Errors: rejects when a broker refuses or does not answer;
 * messages that were accepted before are finished.
 */
export async function movePage(
  from: BrokerHttp,
  to: BrokerHttp,
  queue: QueueName,
  { nowMs, delayMsMax, batchBytesMax }: MoveLimits,
): Promise<number> {
  const place = placeOf(queue);
  const query = `${place}&state=ready,deferred&limit=${PAGE_MESSAGES}&body-max=${PAGE_BODY_BYTES}`;
  // The broker's own format.
  const page = (await from.ask('GET', `/messages?${query}`)) as Page;
  const finish = async (moved: readonly Waiting[]): Promise<void> => {
    const ids = moved.map(({ id }) => id).join(',');
    await from.ask('POST', `/message/finish?${place}&id=${ids}`);
  };
  const ready: Waiting[] = [];
  for (const shown of page.messages) {
    const message = { id: shown.id, body: await bodyOf(from, place, shown) };
    const delayMs = shown.due === null ? 0 : Math.ceil(Date.parse(shown.due) - nowMs);
    if (delayMs <= 0) {
      ready.push(message);
      continue;
    }
    const path = `${publishPath('/pub', queue)}&defer=${Math.min(delayMs, delayMsMax)}`;
    await to.request('POST', path, message.body);
    await finish([message]);
  }
  for (const batch of batchesOf(ready, Math.min(batchBytesMax, BATCH_BYTES_MAX))) {
    await publish(to, queue, batch);
    await finish(batch);
  }
  return page.messages.length;
}

async function publish(to: BrokerHttp, queue: QueueName, batch: readonly Waiting[]): Promise<void> {
  const bodies = batch.map(({ body }) => body);
  if (bodies.length === 1) await to.request('POST', publishPath('/pub', queue), bodies[0]);
  else await to.request('POST', `${publishPath('/mpub', queue)}&binary=true`, binaryBody(bodies));
}

/** The whole body. */
async function bodyOf(from: BrokerHttp, place: string, shown: ShownMessage): Promise<Buffer> {
  const { id, truncated } = shown;
  const whole = truncated
    ? ((await from.ask('GET', `/message?${place}&id=${id}`)) as ShownMessage)
    : shown;
  return Buffer.from(whole.body, whole.encoding === 'text' ? 'utf8' : 'base64');
}

/** Groups of messages that fit one request; a larger message is alone. */
export function* batchesOf<T extends { readonly body: Buffer }>(
  messages: readonly T[],
  bytesMax: number,
): Iterable<T[]> {
  let batch: T[] = [];
  let bytes = LENGTH_BYTES;
  for (const message of messages) {
    const needed = LENGTH_BYTES + message.body.length;
    if (batch.length > 0 && bytes + needed > bytesMax) {
      yield batch;
      batch = [];
      bytes = LENGTH_BYTES;
    }
    batch.push(message);
    bytes += needed;
  }
  if (batch.length > 0) yield batch;
}

/** Shape: count(4), and for each message length(4) body(n). */
function binaryBody(bodies: readonly Buffer[]): Buffer {
  return Buffer.concat([word(bodies.length), ...bodies.flatMap((one) => [word(one.length), one])]);
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(LENGTH_BYTES);
  bytes.writeUInt32BE(value);
  return bytes;
}

function publishPath(path: string, { topic }: QueueName): string {
  return `${path}?${new URLSearchParams({ topic })}`;
}

function placeOf({ topic, channel }: QueueName): string {
  return new URLSearchParams({ topic, ...(channel !== '' && { channel }) }).toString();
}
