/**
 * The broker as its watchers see it: what `/metrics` is made of, and whether it is ready.
 *
 * Thread: main.
 */

import type { Guard } from '../daemon/guard.ts';
import type { MetricsSource } from './http/metrics/metrics-endpoint.ts';
import type { Bounds } from './limits/bounds.ts';
import type { Options } from './options/options.ts';
import type { ThreadGauges } from './pumps/thread-gauges.ts';
import type { NodeMeters } from './stats/node-meters.ts';
import { NodeMonitor } from './stats/node-monitor.ts';
import type { NodeStatistics } from './stats/node-statistics.ts';
import { isReady, type ReadinessCheck, readinessChecks } from './stats/readiness.ts';
import type { StatsCollector } from './stats/stats-collector.ts';
import type { BrokerOperations } from './topics/broker-operations.ts';
import type { Drain } from './topics/drain.ts';
import type { TopicMap } from './topics/topic-map.ts';

/** What is seen. */
export type NodeViewSetup = {
  readonly options: Pick<Options, 'metricsTopicsMax'>;
  readonly bounds: Bounds;
  readonly gauges: ThreadGauges;
  readonly meters: NodeMeters;
  readonly guard: Guard;
  readonly topics: TopicMap;
  readonly stats: StatsCollector;
  readonly drain: Drain;
  /** Why the data directory is not well, or null. */
  readonly storage: { readonly failure: string | null };
  readonly operations: BrokerOperations;
  /** Connections over TCP. */
  readonly tcpCount: () => number;
};

export class NodeView {
  readonly metrics: MetricsSource;
  /** Where the broker is in its life. */
  state: 'starting' | 'running' | 'ending' = 'starting';

  readonly #setup: NodeViewSetup;

  constructor(setup: NodeViewSetup) {
    const { options, bounds, gauges, meters, guard, stats, operations } = setup;
    this.#setup = setup;
    const monitor = new NodeMonitor({
      startTimeMs: operations.startTimeMs,
      gauges,
      meters,
      connections: () => this.#connections(),
      failedInputCount: () => guard.failedCount,
      volume: () => bounds.disk.volume,
      health: () => this.#health(),
      memoryLimitBytes: bounds.memoryBytes,
      pumpBytes: bounds.pumpBytes,
    });
    this.metrics = {
      stats: (filter) => stats.collect(filter),
      node: () => monitor.read(),
      topicsMax: options.metricsTopicsMax,
    };
  }

  /** Whether the broker is ready, check by check. */
  readiness(): ReadinessCheck[] {
    const { topics, drain, storage, operations } = this.#setup;
    const draining = drain.progress === null ? null : topics.drainRefusal;
    return readinessChecks({
      start: this.state === 'starting' ? 'the broker is starting' : null,
      drain: this.state === 'ending' ? 'the broker is ending' : draining,
      disk: operations.backendError() ?? storage.failure ?? topics.writeRefusal,
      space: topics.diskShortage,
    });
  }

  #health(): Pick<NodeStatistics, 'isHealthy' | 'isReady' | 'isDraining'> {
    return {
      isHealthy: this.#setup.operations.health() === 'OK',
      isReady: isReady(this.readiness()),
      isDraining: this.#setup.drain.progress !== null,
    };
  }

  #connections(): NodeStatistics['connections'] {
    const { count, max, refusedCount } = this.#setup.bounds.limit;
    const tcp = this.#setup.tcpCount();
    return { tcp, http: count - tcp, max, refused: refusedCount };
  }
}
