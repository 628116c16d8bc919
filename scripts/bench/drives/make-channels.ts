/** Makes channels by subscribing to them once, so that what is published next has somewhere to go. */

import type { ProgressCount } from '../progress-count.ts';
import type { Address } from '../wire/address.ts';
import { PLAIN } from '../wire/connect.ts';
import { ConsumerGroup } from './consumer-group.ts';
import type { Outcome } from './outcome.ts';

/** Nothing of it is measured. */
export async function makeChannels(
  order: {
    readonly address: Address;
    readonly topics: readonly string[];
    /** Of each topic. */
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
