/** Publishes, and says how fast. */

import type { ProgressCount } from '../progress-count.ts';
import type { Outcome } from './outcome.ts';
import { Publisher, type PublishOrder } from './publisher.ts';

/** One drive of a `Publisher`. */
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
    percentiles: publisher.answers.percentiles(),
    figures: publisher.figures(),
  };
}
