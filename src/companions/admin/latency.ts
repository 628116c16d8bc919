/**
 * End-to-end latencies of a topic or a channel, on one node or merged over several.
 *
 * Thread: any (pure).
 * Source: nsq `quantile.E2eProcessingLatencyAggregate`. Differs in computing the minimum over several nodes correctly.
 */

import { listOf, membersOf, numberOf, textOf } from './upstream-values.ts';

/** A quantile. Units: ns; `value` is present for one node. */
type Percentile = {
  average: number;
  count: number;
  max: number;
  min: number;
  readonly quantile: number;
  readonly value?: number;
};

/** Shape: as in nsqadmin's JSON. */
export type Latency = {
  count: number;
  percentiles: Percentile[] | null;
  readonly topic: string;
  readonly channel: string;
  host: string;
};

/** One node's latency, as the node reports it. */
export function latencyOf(value: unknown): Latency {
  const given = membersOf(value);
  const count = numberOf(given['count']);
  const percentiles = listOf(given['percentiles']).map((one) => {
    const value = numberOf(one['value']);
    const quantile = numberOf(one['quantile']);
    return { average: value, count, max: value, min: value, quantile, value };
  });
  return {
    count,
    percentiles: Array.isArray(given['percentiles']) ? percentiles : null,
    topic: textOf(given['topic']),
    channel: textOf(given['channel']),
    host: textOf(given['host']),
  };
}

/** The start of a merge. */
export function noLatency(topic: string, channel: string): Latency {
  return { count: 0, percentiles: null, topic, channel, host: '*' };
}

/** Merges another node's latency. */
export function addLatency(sum: Latency, other: Latency): void {
  sum.host = '*';
  sum.count += other.count;
  for (const { average, count, max, min, quantile } of other.percentiles ?? []) {
    sum.percentiles ??= [];
    const known = sum.percentiles.find((one) => one.quantile === quantile);
    if (known === undefined) {
      sum.percentiles.push({ average, count, max, min, quantile });
      continue;
    }
    known.max = Math.max(known.max, max);
    known.min = Math.min(known.min, min);
    known.count += count;
    if (known.count > 0) known.average += ((average - known.average) * count) / known.count;
  }
}
