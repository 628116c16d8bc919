/**
 * What a broker says that it holds.
 */

import type { JudgedBroker } from '../judge/broker.ts';

type Counts = {
  readonly depth: number;
  readonly in_flight_count?: number;
  readonly deferred_count?: number;
};
type Topic = Counts & { readonly topic_name: string; readonly channels: readonly Counts[] };

/** Messages that wait, are in flight or deferred, in all topics that have channels, and in their channels. */
export async function heldMessages(broker: JudgedBroker): Promise<number> {
  const text = await broker.ask('/stats?format=json&include_clients=false&include_mem=false');
  // nsqd's own format
  const { topics } = JSON.parse(text) as { topics: readonly Topic[] | null };
  let held = 0;
  for (const topic of topics ?? []) {
    if (topic.channels.length === 0) continue;
    for (const { depth, in_flight_count = 0, deferred_count = 0 } of [topic, ...topic.channels]) {
      held += depth + in_flight_count + deferred_count;
    }
  }
  return held;
}
