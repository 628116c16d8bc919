/**
 * The metrics of a server program: a table of where each comes from, and the metrics that every server has.
 *
 * Thread: main.
 */

import type { ConnectionLimit } from '../daemon/connection-limit.ts';
import type { Guard } from '../daemon/guard.ts';
import { type Format, headLines, sampleLines, sampleName } from '../daemon/metrics/exposition.ts';
import type { MetricHead, Sample } from '../daemon/metrics/metric.ts';
import type { Clock } from '../shared/clock.ts';

/** A metric of something that a server counts. */
export type ServerMetric<Statistics> = MetricHead & {
  readonly kind: 'counter' | 'gauge' | 'info';
  readonly labels: readonly string[];
  readonly read: (statistics: Statistics) => readonly Sample[];
};

/** What every server counts. */
export type ServerStatistics = {
  readonly startTimeMs: number;
  readonly connectionCount: number;
  readonly refusedConnectionCount: number;
  readonly failedInputCount: number;
  /** Answers over HTTP by status. */
  readonly answers: ReadonlyMap<number, number>;
  readonly residentBytes: number;
  readonly cpuSeconds: number;
};

const US_PER_SECOND = 1e6;
const NS_PER_MS = 1_000_000n;
const MS_PER_SECOND = 1000;

/** Counts what every server counts. */
export class ServerCounts {
  readonly #startTimeMs: number;
  readonly #limit: ConnectionLimit;
  readonly #guard: Guard;
  readonly #answers = new Map<number, number>();

  constructor(clock: Clock, limit: ConnectionLimit, guard: Guard) {
    this.#startTimeMs = Number(clock.unixNs() / NS_PER_MS);
    this.#limit = limit;
    this.#guard = guard;
  }

  /** Counts an answer over HTTP. */
  countAnswer(status: number): void {
    this.#answers.set(status, (this.#answers.get(status) ?? 0) + 1);
  }

  /** The current value. */
  statistics(): ServerStatistics {
    const { user, system } = process.cpuUsage();
    return {
      startTimeMs: this.#startTimeMs,
      connectionCount: this.#limit.count,
      refusedConnectionCount: this.#limit.refusedCount,
      failedInputCount: this.#guard.failedCount,
      answers: this.#answers,
      residentBytes: process.memoryUsage.rss(),
      cpuSeconds: (user + system) / US_PER_SECOND,
    };
  }
}

/** The metrics of every server, under its own prefix. */
export function serverMetrics(prefix: string): readonly ServerMetric<ServerStatistics>[] {
  // biome-ignore format: a table is read row by row
  return [
    { name: `${prefix}_start_time_seconds`, kind: 'gauge', unit: 'seconds', labels: [],
      help: 'When the program started, in seconds since 1970.',
      read: ({ startTimeMs }) => one(startTimeMs / MS_PER_SECOND) },
    { name: `${prefix}_connections`, kind: 'gauge', unit: '', labels: [],
      help: 'Connections that are open.', read: ({ connectionCount }) => one(connectionCount) },
    { name: `${prefix}_refused_connections`, kind: 'counter', unit: '', labels: [],
      help: 'Connections that were refused, or that the system could not accept.',
      read: ({ refusedConnectionCount }) => one(refusedConnectionCount) },
    { name: `${prefix}_failed_inputs`, kind: 'counter', unit: '', labels: [],
      help: 'Clients that were disconnected because handling their input failed.',
      read: ({ failedInputCount }) => one(failedInputCount) },
    { name: `${prefix}_http_responses`, kind: 'counter', unit: '', labels: ['code'],
      help: 'Answers over HTTP, by status.',
      read: ({ answers }) => [...answers].map(([status, count]) => [[['code', String(status)]], count]) },
    { name: `${prefix}_resident_memory_bytes`, kind: 'gauge', unit: 'bytes', labels: [],
      help: 'Memory of the process.', read: ({ residentBytes }) => one(residentBytes) },
    { name: `${prefix}_cpu_seconds`, kind: 'counter', unit: 'seconds', labels: [],
      help: 'CPU time of the process.', read: ({ cpuSeconds }) => one(cpuSeconds) },
  ];
}

/** The whole text. */
export function* metricsText<Statistics>(
  metrics: readonly ServerMetric<Statistics>[],
  statistics: Statistics,
  format: Format,
): Iterable<string> {
  for (const metric of metrics) {
    const { name, kind, read } = metric;
    const samples = read(statistics);
    if (samples.length === 0) continue;
    yield headLines(metric, kind, format) + sampleLines(sampleName(name, kind), samples);
  }
  if (format === 'openmetrics') yield '# EOF\n';
}

/** A sample without labels. */
export function one(value: number): readonly Sample[] {
  return [[[], value]];
}
