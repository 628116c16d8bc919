/** Publishes over HTTP, on persistent connections. */

import { type HostPort, joinHostPort } from '../../../src/daemon/host-port.ts';
import { sized } from '../../../src/protocol/commands.ts';
import { Durations } from '../percentiles.ts';
import { HttpReader } from '../wire/http-reader.ts';
import { PlainLink } from '../wire/link.ts';
import { payloadBodies, withoutNewlines } from '../wire/payload.ts';
import type { Outcome, ProgressCount } from './workload.ts';

const COUNT_BYTES = 4;
const NEWLINE = Buffer.from('\n');

export type HttpOrder = {
  /** The address of the HTTP API. */
  readonly address: HostPort;
  readonly topic: string;
  /** Messages of a request; 1 is a `/pub`, more is a `/mpub`. */
  readonly batch: number;
  /** Whether messages have sizes instead of line ends. */
  readonly isBinary?: boolean;
  readonly size: number;
  /** As `--payload`; equal bytes if missing. */
  readonly payload?: string;
  readonly connections: number;
  /** A connection has one request. */
  readonly hasNewConnections?: boolean;
  /** Unanswered requests of a connection. */
  readonly inFlight: number;
  /** Messages in all. The load ends at this number or after `seconds`, whichever comes first; null is no limit. */
  readonly messages: number | null;
  readonly seconds: number | null;
};

/** Counts messages; the percentiles are those of a request, from sending to its answer. */
export async function httpPublish(order: HttpOrder, progress: ProgressCount): Promise<Outcome> {
  const request = requestOf(order);
  if (order.hasNewConnections === true) return await publishAnew(order, request, progress);
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
    /** When the unanswered requests were sent, the oldest first. */
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
  return { count, elapsedMs, ...durations.summary(), figures: {} };
}

/** Several requests at the same time, each on its own connection. */
async function publishAnew(
  order: HttpOrder,
  request: Buffer,
  progress: ProgressCount,
): Promise<Outcome> {
  const durations = new Durations();
  await progress.started();
  const startMs = performance.now();
  const deadlineMs = startMs + (order.seconds ?? Number.POSITIVE_INFINITY) * 1000;
  const total = Math.ceil((order.messages ?? Number.POSITIVE_INFINITY) / order.batch);
  let begun = 0;
  let count = 0;
  const runner = async (): Promise<void> => {
    while (begun < total) {
      const beginMs = performance.now();
      if (beginMs >= deadlineMs) return;
      begun++;
      await publishOnce(order.address, request);
      durations.add(performance.now() - beginMs);
      count += order.batch;
      progress.done = count;
    }
  };
  await Promise.all(Array.from({ length: order.connections }, runner));
  const elapsedMs = performance.now() - startMs;
  return { count, elapsedMs, ...durations.summary(), figures: {} };
}

async function publishOnce(address: HostPort, request: Buffer): Promise<void> {
  const link = await PlainLink.connect(address);
  const answered = Promise.withResolvers<void>();
  const reader = new HttpReader(
    () => answered.resolve(),
    (text) => answered.reject(new Error(`the server answers "${text}"`)),
  );
  link.listen({
    onBytes: (chunk, end) => reader.take(chunk, end),
    onGone: answered.reject,
  });
  link.send(request);
  await answered.promise;
  link.close();
}

function requestOf(order: HttpOrder): Buffer {
  const { address, topic, batch, hasNewConnections } = order;
  const body = bodyOf(order);
  const binary = order.isBinary === true ? '&binary=true' : '';
  const head = [
    `POST /${batch === 1 ? 'pub' : 'mpub'}?topic=${topic}${binary} HTTP/1.1`,
    `Host: ${joinHostPort(address.host, address.port)}`,
    `Content-Length: ${body.length}`,
    ...(hasNewConnections === true ? ['Connection: close'] : []),
  ];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]);
}

function bodyOf({ batch, size, payload, isBinary }: HttpOrder): Buffer {
  const bodies = payloadBodies(size, batch, payload);
  if (batch === 1) return bodies[0];
  if (isBinary === true) {
    const count = Buffer.alloc(COUNT_BYTES);
    count.writeUInt32BE(batch);
    return Buffer.concat([count, ...bodies.map(sized)]);
  }
  const lines = withoutNewlines(bodies);
  return Buffer.concat(lines.flatMap((line, index) => (index === 0 ? [line] : [NEWLINE, line])));
}
