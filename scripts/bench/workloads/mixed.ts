/** Several topics with their own publishers and consumers, all at the same time. */

import { setTimeout as delay } from 'node:timers/promises';
import { Durations } from '../percentiles.ts';
import { type ConsumeOrder, ConsumerGroup } from './consumer-group.ts';
import { Publisher, type PublishOrder } from './publisher.ts';
import type { Outcome, ProgressCount } from './workload.ts';

/** What differs from topic to topic. */
export type MixedPart = {
  readonly name: string;
  readonly publish: Pick<PublishOrder, 'messages' | 'size' | 'batch' | 'connections' | 'inFlight'>;
  readonly consume: Pick<ConsumeOrder, 'channels' | 'connections' | 'rdy'>;
};

/** The topics. */
export type MixedOrder = {
  readonly parts: readonly { readonly publish: PublishOrder; readonly consume: ConsumeOrder }[];
};

/** The last FINs are part of the server's work. */
const LAST_FINS_MS = 200;

/** Counts messages that have passed through all channels; the percentiles are those of publishing commands. */
export async function mixed({ parts }: MixedOrder, progress: ProgressCount): Promise<Outcome> {
  const answers = new Durations();
  const groups: ConsumerGroup[] = [];
  const publishers: Publisher[] = [];
  for (const { publish, consume } of parts) {
    const group = await ConsumerGroup.open(consume, progress);
    group.start();
    await group.subscribed();
    groups.push(group);
    publishers.push(await Publisher.open(publish, progress, answers));
  }
  await progress.started();
  const startMs = performance.now();
  const counts = await Promise.all(
    publishers.map((publisher, index) => Promise.race([publisher.run(), groups[index].failed()])),
  );
  await Promise.all(
    groups.map((group, index) =>
      group.finish(counts[index] * parts[index].consume.channels.length),
    ),
  );
  const elapsedMs = performance.now() - startMs;
  await delay(LAST_FINS_MS);
  for (const client of [...publishers, ...groups]) client.close();
  const count = counts.reduce((sum, one) => sum + one, 0);
  const copies = groups.reduce((sum, group) => sum + group.finished, 0);
  return {
    count,
    elapsedMs,
    ...answers.summary(),
    figures: { copyRate: (copies / elapsedMs) * 1000 },
  };
}
