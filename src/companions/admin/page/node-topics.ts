/**
 * The topics of one node, read from its `/stats`, for rows of the page.
 *
 * Units: messages.
 * Thread: any (pure).
 */

import type { CountedChannel, CountedTopic } from '../../../daemon/page/live-rows.ts';
import { addLatency, type Latency, latencyOf, noLatency } from '../latency.ts';
import { listOf, type Members, numberOf, textOf } from '../upstream-values.ts';

/** A channel; `latency` is as the node says it, null without figures. */
export type NodeChannel = CountedChannel & {
  readonly requeueCount: number;
  readonly timeoutCount: number;
  readonly latency: unknown;
};

/** A topic. */
export type NodeTopic = Omit<CountedTopic, 'channels'> & {
  readonly channels: readonly NodeChannel[];
  readonly messageBytes: number;
  readonly latency: unknown;
};

/** The topics of an answer of `/stats`, sorted by name. */
export function nodeTopicsOf(answer: Members): NodeTopic[] {
  return sortedByName(
    listOf(answer['topics']).map((given) => ({
      ...queueOf(given, 'topic_name'),
      messageBytes: numberOf(given['message_bytes']),
      channels: sortedByName(listOf(given['channels']).map(channelOf)),
    })),
  );
}

/** The average latencies of several nodes; null if there are none. Units: ns. */
export function latencySum(
  given: readonly unknown[],
): readonly { readonly quantile: number; readonly value: number }[] | null {
  const sum: Latency = noLatency('', '');
  for (const one of given) addLatency(sum, latencyOf(one));
  const known = (sum.percentiles ?? []).filter(({ count }) => count > 0);
  if (known.length === 0) return null;
  return known.map(({ quantile, average }) => ({ quantile, value: average }));
}

function channelOf(given: Members): NodeChannel {
  return {
    ...queueOf(given, 'channel_name'),
    inFlightCount: numberOf(given['in_flight_count']),
    deferredCount: numberOf(given['deferred_count']),
    clientCount: numberOf(given['client_count']),
    requeueCount: numberOf(given['requeue_count']),
    timeoutCount: numberOf(given['timeout_count']),
  };
}

function queueOf(given: Members, nameKey: string): Omit<NodeTopic, 'channels' | 'messageBytes'> {
  const { paused, e2e_processing_latency: latency } = given;
  return {
    name: textOf(given[nameKey]),
    isPaused: paused === true,
    ...(given['replicated'] === true && { isReplicated: true }),
    messageCount: numberOf(given['message_count']),
    depth: numberOf(given['depth']),
    backendDepth: numberOf(given['backend_depth']),
    // Most queues have none.
    latency: hasFigures(latency) ? latency : null,
  };
}

function hasFigures(latency: unknown): boolean {
  return (
    typeof latency === 'object' &&
    latency !== null &&
    'percentiles' in latency &&
    Array.isArray(latency.percentiles)
  );
}

/** nsqd sorts them; this makes sure. */
function sortedByName<T extends { readonly name: string }>(all: T[]): T[] {
  return all.sort((a, b) => (a.name === b.name ? 0 : a.name < b.name ? -1 : 1));
}
