/**
 * The broker's statistics as lines for statsd: levels as they are, counters as what came since the last report.
 *
 * Shape: `<prefix><name>:<integer>|c` for a counter, `|g` for a level, each line ended by `\n`.
 * Thread: any (pure).
 * Source: nsqd `statsdLoop`. Differs where a counter went down, because its topic or channel is
 * a new one of the same name: it counts from 0, where nsqd reports a negative difference.
 */

import { type ChannelName, isEphemeral, type TopicName } from '../../../shared/names.ts';
import type { MemoryStatistics } from '../../stats/memory-statistics.ts';
import type {
  BrokerStats,
  ChannelStatistics,
  LatencyStatistics,
  TopicStatistics,
} from '../../stats/stats.ts';

/** What is reported at one time. */
export type StatsdReport = {
  /** Without clients. */
  readonly stats: BrokerStats;
  /** Undefined when it is not wanted. */
  readonly memory: MemoryStatistics | undefined;
};

/** How names begin, and what is left out. */
export type StatsdFormat = { readonly prefix: string; readonly excludesEphemeral: boolean };

/** Writes one line under a name. */
type Emit = (name: string, value: number, type: 'c' | 'g') => void;

/** What may have dropped messages. */
type Dropping = { readonly dropped_count?: number };

const TOPIC_COUNTERS = ['message_count', 'message_bytes'] as const;
const CHANNEL_COUNTERS = ['message_count', 'requeue_count', 'timeout_count'] as const;
const MEMORY_GAUGES = [
  'heap_objects',
  'heap_idle_bytes',
  'heap_in_use_bytes',
  'heap_released_bytes',
  'gc_pause_usec_100',
  'gc_pause_usec_99',
  'gc_pause_usec_95',
  'next_gc_bytes',
] as const;

/** The lines of a report; `last` is the one before it, if any. */
export function statsdLines(
  now: StatsdReport,
  last: StatsdReport | undefined,
  format: StatsdFormat,
): string[] {
  const lines: string[] = [];
  const emit: Emit = (name, value, type) => {
    lines.push(`${format.prefix}${name}:${Math.trunc(value)}|${type}\n`);
  };
  const lastTopics = byName(last?.stats.topics ?? [], (topic) => topic.topic_name);
  for (const topic of now.stats.topics ?? []) {
    if (format.excludesEphemeral && hasEphemeralName(topic.topic_name)) continue;
    emitTopic(topic, lastTopics.get(topic.topic_name), format.excludesEphemeral, emit);
  }
  if (now.memory !== undefined) emitMemory(now.memory, last?.memory, emit);
  return lines;
}

function emitTopic(
  topic: TopicStatistics,
  last: TopicStatistics | undefined,
  excludesEphemeral: boolean,
  emit: Emit,
): void {
  const name = `topic.${topic.topic_name}`;
  const before = sameOne(topic, last, TOPIC_COUNTERS);
  emit(`${name}.message_count`, topic.message_count - (before?.message_count ?? 0), 'c');
  emit(`${name}.message_bytes`, topic.message_bytes - (before?.message_bytes ?? 0), 'c');
  emitDropped(name, topic, before, emit);
  emit(`${name}.depth`, topic.depth, 'g');
  emit(`${name}.backend_depth`, topic.backend_depth, 'g');
  emitLatency(name, topic.e2e_processing_latency, emit);
  const lastChannels = byName(before?.channels ?? [], (channel) => channel.channel_name);
  for (const channel of topic.channels) {
    if (excludesEphemeral && hasEphemeralName(channel.channel_name)) continue;
    emitChannel(name, channel, lastChannels.get(channel.channel_name), emit);
  }
}

function emitChannel(
  topicName: string,
  channel: ChannelStatistics,
  last: ChannelStatistics | undefined,
  emit: Emit,
): void {
  const name = `${topicName}.channel.${channel.channel_name}`;
  const before = sameOne(channel, last, CHANNEL_COUNTERS);
  emit(`${name}.message_count`, channel.message_count - (before?.message_count ?? 0), 'c');
  emit(`${name}.depth`, channel.depth, 'g');
  emit(`${name}.backend_depth`, channel.backend_depth, 'g');
  emit(`${name}.in_flight_count`, channel.in_flight_count, 'g');
  emit(`${name}.deferred_count`, channel.deferred_count, 'g');
  emit(`${name}.requeue_count`, channel.requeue_count - (before?.requeue_count ?? 0), 'c');
  emit(`${name}.timeout_count`, channel.timeout_count - (before?.timeout_count ?? 0), 'c');
  emitDropped(name, channel, before, emit);
  emit(`${name}.clients`, channel.client_count, 'g');
  emitLatency(name, channel.e2e_processing_latency, emit);
}

/** Only where queues have a bound; nsqd has no such line. */
function emitDropped(name: string, now: Dropping, last: Dropping | undefined, emit: Emit): void {
  if (now.dropped_count === undefined) return;
  emit(`${name}.dropped_count`, now.dropped_count - (last?.dropped_count ?? 0), 'c');
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
  for (const field of MEMORY_GAUGES) emit(`mem.${field}`, memory[field], 'g');
  emit('mem.gc_runs', memory.gc_total_runs - (last?.gc_total_runs ?? 0), 'c');
}

/** Counters only rise while a topic or channel lives, so what has a lower one is another of the same name. */
function sameOne<Name extends string, T extends Readonly<Record<Name, number>>>(
  now: T,
  last: T | undefined,
  counters: readonly Name[],
): T | undefined {
  if (last === undefined) return undefined;
  return counters.every((counter) => now[counter] >= last[counter]) ? last : undefined;
}

function byName<T>(items: readonly T[], nameOf: (item: T) => string): Map<string, T> {
  return new Map(items.map((item) => [nameOf(item), item]));
}

function hasEphemeralName(name: string): boolean {
  // The statistics only hold names that topics and channels have.
  return isEphemeral(name as TopicName | ChannelName);
}

/** Rounds as Go's `%.0f`: what is halfway goes to the even neighbour. */
function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}
