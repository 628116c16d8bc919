/**
 * Moves the messages that wait in a queue of one broker to another broker: it publishes them there, and finishes them
 * here when they are accepted. A crash in between leaves a message in both; none is lost.
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

/** As many ids as a request may name. */
const PAGE_MESSAGES = 256;
const PAGE_BODY_BYTES = 64 * 1024;
/** Of a multi-publish; brokers accept more unless told otherwise. */
const BATCH_BYTES_MAX = 1024 * 1024;
const LENGTH_BYTES = 4;

/** Moves one page. Resolves with how many were moved. Errors: rejects when a broker refuses or does not answer. */
export async function movePage(
  from: BrokerHttp,
  to: BrokerHttp,
  queue: QueueName,
  { nowMs, batchBytesMax }: { readonly nowMs: number; readonly batchBytesMax: number },
): Promise<number> {
  const place = placeOf(queue);
  const query = `${place}&state=ready,deferred&limit=${PAGE_MESSAGES}&body-max=${PAGE_BODY_BYTES}`;
  // The broker's own format.
  const page = (await from.ask('GET', `/messages?${query}`)) as Page;
  const ready: Buffer[] = [];
  for (const message of page.messages) {
    const body = await bodyOf(from, place, message);
    const delayMs = message.due === null ? 0 : Math.ceil(Date.parse(message.due) - nowMs);
    if (delayMs <= 0) ready.push(body);
    else await to.request('POST', `${publishPath('/pub', queue)}&defer=${delayMs}`, body);
  }
  const bytesMax = Math.min(batchBytesMax, BATCH_BYTES_MAX);
  for (const bodies of batchesOf(ready, bytesMax)) await publish(to, queue, bodies);
  const ids = page.messages.map(({ id }) => id);
  if (ids.length > 0) await from.ask('POST', `/message/finish?${place}&id=${ids.join(',')}`);
  return ids.length;
}

async function publish(to: BrokerHttp, queue: QueueName, bodies: readonly Buffer[]): Promise<void> {
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

/** Runs of bodies that fit one request; a larger body is alone. */
export function* batchesOf(bodies: readonly Buffer[], bytesMax: number): Iterable<Buffer[]> {
  let batch: Buffer[] = [];
  let bytes = LENGTH_BYTES;
  for (const body of bodies) {
    const needed = LENGTH_BYTES + body.length;
    if (batch.length > 0 && bytes + needed > bytesMax) {
      yield batch;
      batch = [];
      bytes = LENGTH_BYTES;
    }
    batch.push(body);
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
