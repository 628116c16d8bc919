/**
 * The broker's statistics as lines for statsd: levels as current values, counters as the difference since the last
 * report.
 *
 * Shape: `<prefix><name>:<integer>|c` for a counter, `|g` for a level, each line ended by `\n`.
 * Thread: any (pure).
 * Source: nsqd `statsdLoop`. Differs if a counter decreases because its topic or channel was replaced by one of the
 * same name: it counts from 0, while nsqd reports a negative difference.
 */

import { type ChannelName, isEphemeral, type TopicName } from '../../../shared/names.ts';
import { type MemoryStatistics, namedMemory } from '../../stats/memory-statistics.ts';
import { POLICY_COUNT_NAMES, type PolicyCounts } from '../../stats/policy-counts.ts';
import type {
  BrokerStats,
  ChannelStatistics,
  LatencyStatistics,
  TopicStatistics,
} from '../../stats/stats.ts';

/** The contents of one report. */
export type StatsdReport = {
  /** Without clients. */
  readonly stats: BrokerStats;
  /** Undefined if not requested. */
  readonly memory: MemoryStatistics | undefined;
};

/** The prefix of names, and what is left out. */
export type StatsdFormat = { readonly prefix: string; readonly excludesEphemeral: boolean };

/** Writes one line for a name. */
type Emit = (name: string, value: number, type: 'c' | 'g') => void;

const TOPIC_COUNTERS = ['messageCount', 'messageBytes'] as const;
const CHANNEL_COUNTERS = ['messageCount', 'requeueCount', 'timeoutCount'] as const;
/** The only memory statistic that is a counter; it has a name of its own. */
const GC_RUNS = 'gc_total_runs';

/** The lines of a report; `last` is the previous one, if any. */
export function statsdLines(
  now: StatsdReport,
  last: StatsdReport | undefined,
  format: StatsdFormat,
): string[] {
  const lines: string[] = [];
  const emit: Emit = (name, value, type) => {
    lines.push(`${format.prefix}${name}:${Math.trunc(value)}|${type}\n`);
  };
  const lastTopics = byName(last?.stats.topics ?? []);
  for (const topic of now.stats.topics ?? []) {
    if (format.excludesEphemeral && hasEphemeralName(topic.name)) continue;
    emitTopic(topic, lastTopics.get(topic.name), format, emit);
  }
  if (now.memory !== undefined) emitMemory(now.memory, last?.memory, emit);
  return lines;
}

function emitTopic(
  topic: TopicStatistics,
  last: TopicStatistics | undefined,
  format: StatsdFormat,
  emit: Emit,
): void {
  const name = `topic.${topic.name}`;
  const before = sameOne(topic, last, TOPIC_COUNTERS);
  emit(`${name}.message_count`, topic.messageCount - (before?.messageCount ?? 0), 'c');
  emit(`${name}.message_bytes`, topic.messageBytes - (before?.messageBytes ?? 0), 'c');
  emitPolicyCounts(name, topic.policyCounts, before?.policyCounts, emit);
  emit(`${name}.depth`, topic.depth, 'g');
  emit(`${name}.backend_depth`, topic.backendDepth, 'g');
  emitLatency(name, topic.latency, emit);
  const lastChannels = byName(before?.channels ?? []);
  for (const channel of topic.channels) {
    if (format.excludesEphemeral && hasEphemeralName(channel.name)) continue;
    emitChannel(name, channel, lastChannels.get(channel.name), emit);
  }
}

function emitChannel(
  topicName: string,
  channel: ChannelStatistics,
  last: ChannelStatistics | undefined,
  emit: Emit,
): void {
  const name = `${topicName}.channel.${channel.name}`;
  const before = sameOne(channel, last, CHANNEL_COUNTERS);
  emit(`${name}.message_count`, channel.messageCount - (before?.messageCount ?? 0), 'c');
  emit(`${name}.depth`, channel.depth, 'g');
  emit(`${name}.backend_depth`, channel.backendDepth, 'g');
  emit(`${name}.in_flight_count`, channel.inFlightCount, 'g');
  emit(`${name}.deferred_count`, channel.deferredCount, 'g');
  emit(`${name}.requeue_count`, channel.requeueCount - (before?.requeueCount ?? 0), 'c');
  emit(`${name}.timeout_count`, channel.timeoutCount - (before?.timeoutCount ?? 0), 'c');
  emitPolicyCounts(name, channel.policyCounts, before?.policyCounts, emit);
  emit(`${name}.clients`, channel.clientCount, 'g');
  emitLatency(name, channel.latency, emit);
}

/** Lines of policy counters, which nsqd does not have. */
function emitPolicyCounts(
  name: string,
  now: PolicyCounts,
  last: PolicyCounts | undefined,
  emit: Emit,
): void {
  for (const [key, field] of POLICY_COUNT_NAMES) {
    const count = now[key];
    if (count !== undefined) emit(`${name}.${field}`, count - (last?.[key] ?? 0), 'c');
  }
}

function emitLatency(name: string, latency: LatencyStatistics, emit: Emit): void {
  for (const { quantile, value } of latency.percentiles ?? []) {
    emit(`${name}.e2e_processing_latency_${roundHalfEven(quantile * 100)}`, value, 'g');
  }
}

function emitMemory(
  memory: MemoryStatistics,
  last: MemoryStatistics | undefined,
  emit: Emit,
): void {
  for (const [name, value] of namedMemory(memory)) {
    if (name !== GC_RUNS) emit(`mem.${name}`, value, 'g');
  }
  emit('mem.gc_runs', memory.gcTotalRuns - (last?.gcTotalRuns ?? 0), 'c');
}

/** Counters never decrease while a topic or channel exists, so a lower value means a new one of the same name. */
function sameOne<Name extends string, T extends Readonly<Record<Name, number>>>(
  now: T,
  last: T | undefined,
  counters: readonly Name[],
): T | undefined {
  if (last === undefined) return undefined;
  return counters.every((counter) => now[counter] >= last[counter]) ? last : undefined;
}

function byName<T extends { readonly name: string }>(items: readonly T[]): Map<string, T> {
  return new Map(items.map((item) => [item.name, item]));
}

function hasEphemeralName(name: string): boolean {
  // The statistics contain only valid names.
  return isEphemeral(name as TopicName | ChannelName);
}

/** Rounds as Go's `%.0f` does: half to even. */
function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}
