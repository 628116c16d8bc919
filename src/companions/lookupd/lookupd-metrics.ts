/**
 * Everything that `/metrics` says.
 *
 * Thread: main.
 */

import {
  type Format,
  headLines,
  sampleLines,
  sampleName,
} from '../../daemon/metrics/exposition.ts';
import type { MetricHead, Sample } from '../../daemon/metrics/metric.ts';
import { NSQD_VERSION, RINGMQ_VERSION } from '../../daemon/version.ts';

/** What metrics are made of. */
export type LookupdStatistics = {
  readonly startTimeMs: number;
  readonly topicCount: number;
  readonly channelCount: number;
  readonly producerCount: number;
  readonly activeProducerCount: number;
  readonly connectionCount: number;
  readonly refusedConnectionCount: number;
  readonly failedInputCount: number;
  readonly watcherCount: number;
  /** Answers over HTTP by status. */
  readonly answers: ReadonlyMap<number, number>;
  readonly residentBytes: number;
  readonly cpuSeconds: number;
};

type LookupdMetric = MetricHead & {
  readonly kind: 'counter' | 'gauge' | 'info';
  readonly labels: readonly string[];
  readonly read: (statistics: LookupdStatistics) => readonly Sample[];
};

const MS_PER_SECOND = 1000;

/** The metrics, in the order in which they are written. */
// biome-ignore format: a table is read row by row
export const LOOKUPD_METRICS: readonly LookupdMetric[] = [
  { name: 'ringmq_lookupd_build', kind: 'info', unit: '', labels: ['version', 'nsqlookupd_version'],
    help: 'Versions of the program and of the nsqlookupd that it replaces.',
    read: () => [[[['version', RINGMQ_VERSION], ['nsqlookupd_version', NSQD_VERSION]], 1]] },
  { name: 'ringmq_lookupd_start_time_seconds', kind: 'gauge', unit: 'seconds', labels: [],
    help: 'When the program started, in seconds since 1970.',
    read: ({ startTimeMs }) => one(startTimeMs / MS_PER_SECOND) },
  { name: 'ringmq_lookupd_topics', kind: 'gauge', unit: '', labels: [],
    help: 'Topics that are known, with or without producers.', read: ({ topicCount }) => one(topicCount) },
  { name: 'ringmq_lookupd_channels', kind: 'gauge', unit: '', labels: [],
    help: 'Channels that are known, with or without producers.', read: ({ channelCount }) => one(channelCount) },
  { name: 'ringmq_lookupd_producers', kind: 'gauge', unit: '', labels: [],
    help: 'Brokers that are connected and have identified themselves.',
    read: ({ producerCount }) => one(producerCount) },
  { name: 'ringmq_lookupd_active_producers', kind: 'gauge', unit: '', labels: [],
    help: 'Those of them that have sent a PING within --inactive-producer-timeout.',
    read: ({ activeProducerCount }) => one(activeProducerCount) },
  { name: 'ringmq_lookupd_connections', kind: 'gauge', unit: '', labels: [],
    help: 'Connections over TCP and HTTP.', read: ({ connectionCount }) => one(connectionCount) },
  { name: 'ringmq_lookupd_refused_connections', kind: 'counter', unit: '', labels: [],
    help: 'Connections that were refused, or that the system could not accept.',
    read: ({ refusedConnectionCount }) => one(refusedConnectionCount) },
  { name: 'ringmq_lookupd_failed_inputs', kind: 'counter', unit: '', labels: [],
    help: 'Clients that were disconnected because handling their input failed.',
    read: ({ failedInputCount }) => one(failedInputCount) },
  { name: 'ringmq_lookupd_watchers', kind: 'gauge', unit: '', labels: [],
    help: 'Consumers that watch a topic.', read: ({ watcherCount }) => one(watcherCount) },
  { name: 'ringmq_lookupd_http_responses', kind: 'counter', unit: '', labels: ['code'],
    help: 'Answers over HTTP, by status.',
    read: ({ answers }) => [...answers].map(([status, count]) => [[['code', String(status)]], count]) },
  { name: 'ringmq_lookupd_resident_memory_bytes', kind: 'gauge', unit: 'bytes', labels: [],
    help: 'Memory of the process.', read: ({ residentBytes }) => one(residentBytes) },
  { name: 'ringmq_lookupd_cpu_seconds', kind: 'counter', unit: 'seconds', labels: [],
    help: 'CPU time of the process.', read: ({ cpuSeconds }) => one(cpuSeconds) },
];

/** The whole text. */
export function* metricsText(statistics: LookupdStatistics, format: Format): Iterable<string> {
  for (const metric of LOOKUPD_METRICS) {
    const { name, kind, read } = metric;
    const samples = read(statistics);
    if (samples.length === 0) continue;
    yield headLines(metric, kind, format) + sampleLines(sampleName(name, kind), samples);
  }
  if (format === 'openmetrics') yield '# EOF\n';
}

function one(value: number): readonly Sample[] {
  return [[[], value]];
}
