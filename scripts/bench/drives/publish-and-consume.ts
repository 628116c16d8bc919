/** Publishes and consumes at once, so that every message goes through the server while it is measured. */

import { setTimeout as delay } from 'node:timers/promises';
import type { ProgressCount } from '../progress-count.ts';
import { type ConsumeOrder, ConsumerGroup } from './consumer-group.ts';
import type { Outcome } from './outcome.ts';
import { Publisher, type PublishOrder } from './publisher.ts';

/** As with `consume`. */
const LAST_FINS_MS = 200;

/**
 * Ends when every channel has had every message. Counts messages that were published; the rate is that of messages
 * that have come through, and the figures have the rate of their copies.
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
    percentiles: publisher.answers.percentiles(),
    figures: {
      ...publisher.figures(),
      publishRate: (count / publishedMs) * 1000,
      copyRate: (group.finished / elapsedMs) * 1000,
    },
  };
}
