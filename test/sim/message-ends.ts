/**
 * What ended the messages of queues, as the counters of brokers say, added up over restarts.
 *
 * Thread: any.
 */

import type { ChannelCounts, ControlReply } from '../../src/shared/control.ts';

/** What ended the messages of one queue, added up over restarts. */
export type Ends = {
  expired: number;
  exhausted: number;
  dropped: number;
  deadLetters: number;
  deduplicated: number;
};

export function noEnds(): Ends {
  return { expired: 0, exhausted: 0, dropped: 0, deadLetters: 0, deduplicated: 0 };
}

export function endsOf(all: ReadonlyMap<string, Ends>, name: string): Ends {
  return all.get(name) ?? noEnds();
}

export function add(
  all: Map<string, Ends>,
  name: string,
  counters: Pick<
    ChannelCounts['counters'],
    'expiredCount' | 'exhaustedCount' | 'droppedCount' | 'deadLetterCount'
  > & { readonly deduplicatedCount?: number },
): void {
  const { expiredCount, exhaustedCount, droppedCount, deadLetterCount } = counters;
  const more = {
    expired: expiredCount,
    exhausted: exhaustedCount,
    dropped: droppedCount,
    deadLetters: deadLetterCount,
    deduplicated: counters.deduplicatedCount ?? 0,
  };
  all.set(name, sum(endsOf(all, name), more));
}

export function sum(one: Ends, other: Ends): Ends {
  return {
    expired: one.expired + other.expired,
    exhausted: one.exhausted + other.exhausted,
    dropped: one.dropped + other.dropped,
    deadLetters: one.deadLetters + other.deadLetters,
    deduplicated: one.deduplicated + other.deduplicated,
  };
}

export function isEmpty({ topics, channels }: NonNullable<ControlReply['counts']>): boolean {
  return (
    topics.every(({ counters: { depth } }) => depth === 0) &&
    channels.every(
      ({ counters: { depth, inFlightCount, deferredCount } }) =>
        depth + inFlightCount + deferredCount === 0,
    )
  );
}
