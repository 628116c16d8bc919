/**
 * A batch of topics, channels and clients, small enough to be requested, decoded and formatted in about a
 * millisecond, on main as on a pump. A topic with many channels, or a channel with many clients, spans several
 * batches.
 *
 * Thread: main.
 */

import type { ControlRequest, PumpCounts } from '../../shared/control.ts';
import type { CountedChannel, CountedClient, CountedTopic, CountingPump } from './counted.ts';

/** Most topics, channels and clients in one part. */
const PART_MAX = 256;

/** A topic, channel or client, whose counters the pump of its topic keeps. */
export type Counted =
  | { readonly kind: 'topic'; readonly topic: CountedTopic }
  | { readonly kind: 'channel'; readonly topic: CountedTopic; readonly channel: CountedChannel }
  | { readonly kind: 'client'; readonly topic: CountedTopic; readonly client: CountedClient };

/**
 * Parts of things that are added one by one: an await for each of them would cost more than its counters.
 *
 * Bound: a part, and the clients of a channel.
 */
export class Parts {
  #things: Counted[] = [];
  /** Things that were taken. */
  #taken = 0;

  get isEmpty(): boolean {
    return this.#taken === this.#things.length;
  }

  /** Whether a part is complete. */
  get hasWhole(): boolean {
    return this.#things.length - this.#taken >= PART_MAX;
  }

  add(thing: Counted): void {
    this.#things.push(thing);
  }

  /** The next part, or what there is of it. */
  take(): Counted[] {
    const end = this.#taken + PART_MAX;
    const part = this.#things.slice(this.#taken, end);
    this.#taken = end;
    if (end < this.#things.length) return part;
    this.#things = [];
    this.#taken = 0;
    return part;
  }
}

/** Groups a sequence into parts. */
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

/** Groups a part by pump. Deleted topics are left out. */
export function byPump(part: readonly Counted[]): Map<CountingPump, Counted[]> {
  return Map.groupBy(
    part.filter(({ topic }) => !topic.isDeleted),
    ({ topic }) => topic.pump,
  );
}

/** The request for counters of one pump. */
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

/** Stores the pump's reply with each item: null for one that no longer exists. */
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
