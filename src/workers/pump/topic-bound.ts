/**
 * The bounds of topics and channels: of one queue, of a topic with its channels, and which publishes they refuse.
 *
 * Thread: pump. Source: own; nsqd has no such bounds.
 */

import { MESSAGE_HEADER_BYTES } from '../../shared/limits.ts';
import * as records from '../../shared/records.ts';
import type { QueuePolicy } from '../../shared/topic-policy.ts';

/**
 * The bound of one queue, and what happens at the bound.
 *
 * Units: `maxDepth` in messages, `maxBytes` in bytes of messages with their headers; Infinity for no bound.
 */
export type DepthBound = {
  readonly maxDepth: number;
  readonly maxBytes: number;
  /** Whether the oldest messages of the queue are dropped; otherwise new ones are refused with an error. */
  readonly dropsOldest: boolean;
};

/** No bound other than memory and disk. */
export const NO_BOUND: DepthBound = {
  maxDepth: Number.POSITIVE_INFINITY,
  maxBytes: Number.POSITIVE_INFINITY,
  dropsOldest: false,
};

/** The bound of a policy. */
export function depthBoundOf({ maxDepth, maxBytes, whenFull }: QueuePolicy): DepthBound {
  return {
    maxDepth: maxDepth || Number.POSITIVE_INFINITY,
    maxBytes: maxBytes || Number.POSITIVE_INFINITY,
    dropsOldest: whenFull !== 'reject',
  };
}

/** A queue, as far as its bound is concerned. Units: bytes with headers. */
interface BoundedQueue {
  readonly depth: number;
  readonly bytes: number;
  refusalOf(count: number, bytes: number): string | null;
}

/** What is on its way from the topic to its channels. */
type OnTheWay = { readonly count: number; readonly bytes: number };

/**
 * Why this many more messages exceed the bound of the topic or of one of its channels; null if they do not. While
 * messages flow to the channels, those that wait in the topic or are on their way count for the channels.
 */
export function topicRefusal(
  topic: { readonly queue: BoundedQueue; readonly isFlowing: boolean },
  channels: Iterable<{ readonly queue: BoundedQueue }>,
  onTheWay: OnTheWay | null,
  count: number,
  bytes: number,
): string | null {
  const { queue, isFlowing } = topic;
  const own = isFlowing ? null : queue.refusalOf(count, bytes);
  if (own !== null) return own;
  const coming = count + (isFlowing ? queue.depth : 0) + (onTheWay?.count ?? 0);
  const comingBytes = bytes + (isFlowing ? queue.bytes : 0) + (onTheWay?.bytes ?? 0);
  for (const channel of channels) {
    const refusal = channel.queue.refusalOf(coming, comingBytes);
    if (refusal !== null) return refusal;
  }
  return null;
}

/** Tells why this many more messages exceed a topic's bounds. Units: `bytes` with headers. */
interface BoundedTopic {
  refusalOf(count: number, bytes: number): string | null;
}

/**
 * Decides whether a topic's bounds refuse a publish record. A publication in several records is kept as a whole or
 * not at all: the decision on its first record applies to all.
 *
 * Bound: a text for each refused publication until its last record; main sends all records of a publication.
 */
export class RefusedPublications {
  /** The reasons for refused publications, by the token of their first record, until their last record. */
  readonly #refusals = new Map<number, string>();

  /**
   * Why the PUBLISH record with its fields at word `at` is refused; null if it is accepted. A deleted topic has no
   * bounds. Call it once for each record, in order. Units: `bytes` of the record's messages with their size fields.
   */
  refusalOf(
    words: Uint32Array,
    at: number,
    bytes: number,
    topic: BoundedTopic | undefined,
  ): string | null {
    const first = words[at + records.PUBLISH_FIRST];
    const followingCount = words[at + records.PUBLISH_FOLLOWING_COUNT];
    if (first !== 0) {
      const refusal = this.#refusals.get(first) ?? null;
      if (followingCount === 0) this.#refusals.delete(first);
      return refusal;
    }
    if (topic === undefined) return null;
    const count = words[at + records.PUBLISH_COUNT] + followingCount;
    const bytesInAll = bytes + words[at + records.PUBLISH_FOLLOWING_BYTES];
    const refusal = topic.refusalOf(count, bytesInAll + count * MESSAGE_HEADER_BYTES);
    if (refusal !== null && followingCount > 0) {
      this.#refusals.set(words[at + records.PUBLISH_TOKEN], refusal);
    }
    return refusal;
  }
}
