/** Consumes what is there, and says how fast. */

import { setTimeout as delay } from 'node:timers/promises';
import type { ProgressCount } from '../progress-count.ts';
import { type ConsumeOrder, ConsumerGroup } from './consumer-group.ts';
import type { Outcome } from './outcome.ts';

/** The last FINs are on their way when the last message has come; they are part of the server's work. */
const LAST_FINS_MS = 200;

/** One drive of a `ConsumerGroup`, until so many messages are finished or so much time has passed. */
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
