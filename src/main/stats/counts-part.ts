/**
 * A part of what is counted, small enough to be asked for, decoded and described in about a millisecond, on main as on
 * a pump. A topic with many channels, or a channel with many clients, is spread over parts.
 *
 * Thread: main.
 */

import type { ControlRequest, PumpCounts } from '../../shared/control.ts';
import type { CountedChannel, CountedClient, CountedTopic, CountingPump } from './counted.ts';

/** Topics, channels and clients in one part. */
const PART_MAX = 256;

/** Something that the pump of its topic counts. */
export type Counted =
  | { readonly kind: 'topic'; readonly topic: CountedTopic }
  | { readonly kind: 'channel'; readonly topic: CountedTopic; readonly channel: CountedChannel }
  | { readonly kind: 'client'; readonly topic: CountedTopic; readonly client: CountedClient };

/** Things one by one as parts. */
export async function* inParts<T>(things: AsyncIterable<T>): AsyncIterable<T[]> {
  let part: T[] = [];
  for await (const thing of things) {
    part.push(thing);
    if (part.length < PART_MAX) continue;
    yield part;
    part = [];
  }
  if (part.length > 0) yield part;
}

/** What each pump is to be asked. Nothing is asked about topics that are deleted. */
export function byPump(part: readonly Counted[]): Map<CountingPump, Counted[]> {
  return Map.groupBy(
    part.filter(({ topic }) => !topic.isDeleted),
    ({ topic }) => topic.pump,
  );
}

/** The request for the counters of things of one pump. */
export function requestFor(things: readonly Counted[]): ControlRequest {
  const request = {
    do: 'stats' as const,
    topics: [] as number[],
    channels: [] as number[],
    consumers: [] as number[],
  };
  for (const thing of things) {
    if (thing.kind === 'topic') request.topics.push(thing.topic.number);
    else if (thing.kind === 'channel') request.channels.push(thing.channel.number);
    else request.consumers.push(thing.client.number);
  }
  return request;
}

/** Notes with each thing what its pump has replied: null for what is not there any more. */
export function noteCounts(things: readonly Counted[], counts: PumpCounts): void {
  const topics = byNumber(counts.topics);
  const channels = byNumber(counts.channels);
  const consumers = byNumber(counts.consumers);
  for (const thing of things) {
    if (thing.kind === 'topic') thing.topic.counts = topics.get(thing.topic.number) ?? null;
    else if (thing.kind === 'channel') {
      thing.channel.counts = channels.get(thing.channel.number) ?? null;
    } else thing.client.counts = consumers.get(thing.client.number) ?? null;
  }
}

function byNumber<T extends { readonly number: number }>(counts: readonly T[]): Map<number, T> {
  return new Map(counts.map((one) => [one.number, one]));
}
