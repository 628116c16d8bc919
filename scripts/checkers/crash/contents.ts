/**
 * How many messages a broker holds, according to its statistics.
 */

import type { CheckedServer } from './checked-server.ts';

type Counts = {
  readonly channel_name?: string;
  readonly depth: number;
  readonly in_flight_count?: number;
  readonly deferred_count?: number;
};
type Topic = Counts & { readonly topic_name: string; readonly channels: readonly Counts[] };

/** How many messages, and where they are. */
export type Held = { readonly count: number; readonly text: string };

/** Messages that wait, are in flight or deferred, in all topics that have channels, and in their channels. */
export async function heldMessages(broker: Pick<CheckedServer, 'ask'>): Promise<Held> {
  const text = await broker.ask('/stats?format=json&include_clients=false&include_mem=false');
  // nsqd's own format
  const { topics } = JSON.parse(text) as { topics: readonly Topic[] | null };
  let count = 0;
  const places: string[] = [];
  for (const topic of topics ?? []) {
    if (topic.channels.length === 0) continue;
    for (const place of [topic, ...topic.channels]) {
      const { depth, in_flight_count: inFlight = 0, deferred_count: deferred = 0 } = place;
      if (depth + inFlight + deferred === 0) continue;
      count += depth + inFlight + deferred;
      const name = [topic.topic_name, place.channel_name].filter(Boolean).join(':');
      places.push(`${name} ${depth} waiting, ${inFlight} in flight, ${deferred} deferred`);
    }
  }
  return { count, text: places.join('; ') };
}
