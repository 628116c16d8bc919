/** What a program does with a client library while it is measured, in its own process. */

import { setImmediate, setTimeout } from 'node:timers/promises';
import { Durations } from '../percentiles.ts';
import type { Figures } from '../report/metrics.ts';
import { type LibraryName, loadLibrary } from './libraries.ts';

export const CLIENT_LOADS = ['publish', 'consume', 'latency', 'idle'] as const;
export type ClientLoad = (typeof CLIENT_LOADS)[number];

/**
 * What is measured. `awaited`: the number of publishes whose answers are awaited together.
 * Units: `size` bytes of a body; `rate` messages/s of `latency`.
 */
export type ClientOrder = {
  readonly load: ClientLoad;
  readonly library: LibraryName;
  readonly port: number;
  readonly topic: string;
  readonly size: number;
  readonly messages: number;
  readonly awaited: number;
  readonly maxInFlight: number;
  readonly rate: number;
  readonly consumers: number;
};

const KIB = 1024;
const SETTLE_MS = 500;

/** Runs the load. Errors: rejects if the library or the broker fails. */
export function runClientLoad(order: ClientOrder): Promise<Figures> {
  switch (order.load) {
    case 'publish':
      return publish(order);
    case 'consume':
      return consume(order);
    case 'latency':
      return measureLatency(order);
    case 'idle':
      return waitIdle(order);
  }
}

/** Rate, and CPU time of this process, between two moments. */
class Watch {
  readonly #startMs = performance.now();
  readonly #startCpu = process.cpuUsage();

  figures(count: number): Figures {
    const elapsedMs = performance.now() - this.#startMs;
    const { user, system } = process.cpuUsage(this.#startCpu);
    return { rate: (count / elapsedMs) * 1000, clientCpuUs: (user + system) / count };
  }
}

/** Publishes one by one and awaits each answer: many calls, then all of their promises. */
async function publish(order: ClientOrder): Promise<Figures> {
  const { library, port, topic, size, messages, awaited } = order;
  const publisher = await (await loadLibrary(library)).publisher(port, topic);
  const body = Buffer.alloc(size, 'x');
  const publishSome = async (count: number): Promise<void> => {
    for (let left = count; left > 0; left -= awaited) {
      const calls = Math.min(left, awaited);
      await Promise.all(Array.from({ length: calls }, () => publisher.publish(body)));
    }
  };
  // lets the compiler optimize the code
  await publishSome(messages / 10);
  const watch = new Watch();
  await publishSome(messages);
  const figures = watch.figures(messages);
  await publisher.close();
  return figures;
}

/** Consumes the existing messages, and finishes each. */
async function consume(order: ClientOrder): Promise<Figures> {
  const { library, port, topic, messages, maxInFlight } = order;
  const warmUp = Math.floor(messages / 10);
  const { promise, resolve } = Promise.withResolvers<Figures>();
  let watch: Watch | null = null;
  let count = 0;
  const consumer = await (await loadLibrary(library)).consumer(port, topic, maxInFlight, () => {
    count++;
    if (count === warmUp) watch = new Watch();
    else if (count === messages && watch !== null) resolve(watch.figures(messages - warmUp));
  });
  const figures = await promise;
  await consumer.close();
  return figures;
}

/** Publishes at a steady rate, and measures the time until the handler receives each message. */
async function measureLatency(order: ClientOrder): Promise<Figures> {
  const { library, port, topic, size, messages, maxInFlight, rate } = order;
  const loaded = await loadLibrary(library);
  const durations = new Durations();
  const warmUp = messages / 10;
  const { promise, resolve } = Promise.withResolvers<void>();
  let count = 0;
  const consumer = await loaded.consumer(port, topic, maxInFlight, (body) => {
    count++;
    if (count > warmUp) durations.add(performance.now() - body.readDoubleBE(0));
    if (count === messages) resolve();
  });
  const publisher = await loaded.publisher(port, topic);
  const startMs = performance.now();
  for (let sent = 0; sent < messages; sent++) {
    const dueMs = startMs + (sent / rate) * 1000;
    while (performance.now() < dueMs) await setImmediate();
    const body = Buffer.alloc(size, 'x');
    body.writeDoubleBE(performance.now(), 0);
    void publisher.publish(body);
  }
  await promise;
  await publisher.close();
  await consumer.close();
  return durations.percentiles() ?? {};
}

/** Connects many idle consumers, and measures their memory. */
async function waitIdle(order: ClientOrder): Promise<Figures> {
  const { library, port, topic, consumers, maxInFlight } = order;
  const loaded = await loadLibrary(library);
  const first = await loaded.consumer(port, topic, maxInFlight, () => undefined);
  const beforeBytes = await settledBytes();
  const open = [first];
  for (let index = 0; index < consumers; index++) {
    open.push(await loaded.consumer(port, topic, maxInFlight, () => undefined));
  }
  const grownBytes = (await settledBytes()) - beforeBytes;
  await Promise.all(open.map((consumer) => consumer.close()));
  return { consumerKib: grownBytes / KIB / consumers };
}

/** Resident memory after a garbage collection, if Node's options allow one. */
async function settledBytes(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    globalThis.gc?.();
    await setTimeout(SETTLE_MS);
  }
  return process.memoryUsage.rss();
}
