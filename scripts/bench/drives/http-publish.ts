/** Publishes over HTTP, on connections that are kept. */

import { Durations } from '../percentiles.ts';
import { type Address, spellAddress } from '../wire/address.ts';
import { HttpReader } from '../wire/http-reader.ts';
import { PlainLink } from '../wire/link.ts';
import type { Outcome, ProgressCount } from './drive.ts';

export type HttpOrder = {
  /** Where HTTP is spoken. */
  readonly address: Address;
  readonly topic: string;
  /** Messages of a request; 1 is a `/pub`, more a `/mpub` with a line for each. */
  readonly batch: number;
  readonly size: number;
  readonly connections: number;
  /** Messages altogether. Whichever of this and `seconds` is reached first ends it; null is no bound. */
  readonly messages: number | null;
  readonly seconds: number | null;
};

/** Counts messages; the percentiles are those of a request from its sending to its answer. */
export async function httpPublish(order: HttpOrder, progress: ProgressCount): Promise<Outcome> {
  const request = requestOf(order);
  const links = await Promise.all(
    Array.from({ length: order.connections }, () => PlainLink.connect(order.address)),
  );
  const durations = new Durations();
  const ended = Promise.withResolvers<void>();
  await progress.started();
  const startMs = performance.now();
  const deadlineMs =
    order.seconds === null ? Number.POSITIVE_INFINITY : startMs + order.seconds * 1000;
  let left =
    order.messages === null ? Number.POSITIVE_INFINITY : Math.ceil(order.messages / order.batch);
  let unanswered = 0;
  let count = 0;
  for (const link of links) {
    let sentMs = startMs;
    const send = (): void => {
      if (performance.now() >= deadlineMs) left = 0;
      if (left === 0) return;
      left--;
      unanswered++;
      sentMs = performance.now();
      link.send(request);
    };
    const reader = new HttpReader(
      () => {
        durations.add(performance.now() - sentMs);
        unanswered--;
        count += order.batch;
        progress.done = count;
        send();
        if (left === 0 && unanswered === 0) ended.resolve();
      },
      (text) => ended.reject(new Error(`the server answers "${text}"`)),
    );
    link.listen({
      onBytes: (chunk, end) => reader.take(chunk, end),
      onGone: ended.reject,
    });
    send();
  }
  await ended.promise;
  const elapsedMs = performance.now() - startMs;
  for (const link of links) link.close();
  return { count, elapsedMs, percentiles: durations.percentiles(), figures: {} };
}

function requestOf({ address, topic, batch, size }: HttpOrder): Buffer {
  const line = 'x'.repeat(size);
  const body = Array.from({ length: batch }, () => line).join('\n');
  const head = [
    `POST /${batch === 1 ? 'pub' : 'mpub'}?topic=${topic} HTTP/1.1`,
    `Host: ${spellAddress(address)}`,
    `Content-Length: ${body.length}`,
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
}
