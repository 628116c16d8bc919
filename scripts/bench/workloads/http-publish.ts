/** Publishes over HTTP, on connections that are kept. */

import { type HostPort, joinHostPort } from '../../../src/daemon/host-port.ts';
import { Durations } from '../percentiles.ts';
import { HttpReader } from '../wire/http-reader.ts';
import { PlainLink } from '../wire/link.ts';
import type { Outcome, ProgressCount } from './workload.ts';

export type HttpOrder = {
  /** Where HTTP is spoken. */
  readonly address: HostPort;
  readonly topic: string;
  /** Messages of a request; 1 is a `/pub`, more a `/mpub` with a line for each. */
  readonly batch: number;
  readonly size: number;
  readonly connections: number;
  /** Requests of a connection that are sent before their answers have come. */
  readonly inFlight: number;
  /** Messages altogether. Whichever of this and `seconds` is reached first ends it; null is no bound. */
  readonly messages: number | null;
  readonly seconds: number | null;
};

/** Counts messages; the percentiles are those of a request from its sending to its answer. */
export async function httpPublish(order: HttpOrder, progress: ProgressCount): Promise<Outcome> {
  const request = requestOf(order);
  const requests = Buffer.concat(Array.from({ length: order.inFlight }, () => request));
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
    /** When those were sent that are not answered, the oldest first. */
    const sentMs: number[] = [];
    const send = (most: number): void => {
      const nowMs = performance.now();
      if (nowMs >= deadlineMs) left = 0;
      const sending = Math.min(most, left);
      if (sending === 0) return;
      left -= sending;
      unanswered += sending;
      for (let index = 0; index < sending; index++) sentMs.push(nowMs);
      link.send(requests.subarray(0, sending * request.length));
    };
    const reader = new HttpReader(
      (answered) => {
        const nowMs = performance.now();
        for (const ms of sentMs.splice(0, answered)) durations.add(nowMs - ms);
        unanswered -= answered;
        count += answered * order.batch;
        progress.done = count;
        send(answered);
        if (left === 0 && unanswered === 0) ended.resolve();
      },
      (text) => ended.reject(new Error(`the server answers "${text}"`)),
    );
    link.listen({
      onBytes: (chunk, end) => reader.take(chunk, end),
      onGone: ended.reject,
    });
    send(order.inFlight);
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
    `Host: ${joinHostPort(address.host, address.port)}`,
    `Content-Length: ${body.length}`,
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
}
