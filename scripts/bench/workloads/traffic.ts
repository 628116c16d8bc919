/**
 * Publishing, consuming, and both at the same time, each with its rate.
 */

import { setTimeout as delay } from 'node:timers/promises';
import type { HostPort } from '../../../src/daemon/host-port.ts';
import { PLAIN } from '../wire/link.ts';
import { type ConsumeOrder, ConsumerGroup } from './consumer-group.ts';
import { Publisher, type PublishOrder } from './publisher.ts';
import type { Outcome, ProgressCount } from './workload.ts';

/** The workload of a single `Publisher`. */
export async function publish(order: PublishOrder, progress: ProgressCount): Promise<Outcome> {
  const publisher = await Publisher.open(order, progress);
  await progress.started();
  const startMs = performance.now();
  const count = await publisher.run();
  const elapsedMs = performance.now() - startMs;
  publisher.close();
  return {
    count,
    elapsedMs,
    ...publisher.answers.summary(),
    figures: publisher.figures(),
  };
}

/** The last FINs are on their way when the last message has arrived; they are part of the server's work. */
const LAST_FINS_MS = 200;

/** The workload of a single `ConsumerGroup`, until enough messages are finished or the time is over. */
export async function consume(
  order: ConsumeOrder & { readonly messages: number; readonly seconds: number | null },
  progress: ProgressCount,
): Promise<Outcome> {
  const group = await ConsumerGroup.open(order, progress);
  await progress.started();
  const startMs = performance.now();
  const timer =
    order.seconds === null ? null : setTimeout(() => group.stop(), order.seconds * 1000);
  group.start();
  await group.finish(order.messages);
  const elapsedMs = performance.now() - startMs;
  const count = group.finished;
  if (timer !== null) clearTimeout(timer);
  await delay(LAST_FINS_MS);
  group.close();
  return { count, elapsedMs, percentiles: null, figures: {} };
}

/**
 * Ends when every channel has received every message. Counts published messages; the rate is that of messages that have
 * passed through, and the figures include the rate of their copies.
 */
export async function publishAndConsume(
  order: { readonly publish: PublishOrder; readonly consume: ConsumeOrder },
  progress: ProgressCount,
): Promise<Outcome> {
  const group = await ConsumerGroup.open(order.consume, progress);
  group.start();
  await group.subscribed();
  const publisher = await Publisher.open(order.publish, progress);
  await progress.started();
  const startMs = performance.now();
  const count = await Promise.race([publisher.run(), group.failed()]);
  const publishedMs = performance.now() - startMs;
  await group.finish(count * order.consume.channels.length);
  const elapsedMs = performance.now() - startMs;
  await delay(LAST_FINS_MS);
  publisher.close();
  group.close();
  return {
    count,
    elapsedMs,
    ...publisher.answers.summary(),
    figures: {
      ...publisher.figures(),
      publishRate: (count / publishedMs) * 1000,
      copyRate: (group.finished / elapsedMs) * 1000,
    },
  };
}

/** This part is not measured. */
export async function makeChannels(
  order: {
    readonly address: HostPort;
    readonly topics: readonly string[];
    /** Channels of each topic. */
    readonly channels: readonly string[];
  },
  progress: ProgressCount,
): Promise<Outcome> {
  const group = await ConsumerGroup.open(
    { ...order, layers: PLAIN, connections: 1, rdy: 0, finBatch: 0, requeueShare: 0 },
    progress,
  );
  await progress.started();
  group.start();
  await group.subscribed();
  group.close();
  return {
    count: order.topics.length * order.channels.length,
    elapsedMs: 0,
    percentiles: null,
    figures: {},
  };
}
