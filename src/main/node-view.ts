/**
 * The broker as monitoring sees it: the data of `/metrics` and of the page, and whether the broker is ready.
 *
 * Thread: main.
 */

import { LogTail } from '../daemon/log-tail.ts';
import type { ServerContext } from '../daemon/server-context.ts';
import type { MetricsSource } from './http/metrics/metrics-endpoint.ts';
import type { PageSource } from './http/ui/page-source.ts';
import type { Bounds } from './limits/bounds.ts';
import type { Options } from './options/options.ts';
import type { ThreadGauges } from './pumps/thread-gauges.ts';
import { HistorySampler } from './stats/history-sampler.ts';
import type { NodeMeters } from './stats/node-meters.ts';
import { type NodeHealth, NodeMonitor } from './stats/node-monitor.ts';
import type { NodeStatistics } from './stats/node-statistics.ts';
import { isReady, type ReadinessCheck, readinessChecks } from './stats/readiness.ts';
import type { StatsCollector } from './stats/stats-collector.ts';
import type { BrokerOperations } from './topics/broker-operations.ts';
import type { Drain } from './topics/drain.ts';
import type { TopicMap } from './topics/topic-map.ts';

/** What is seen. */
export type NodeViewSetup = ServerContext & {
  readonly options: Pick<
    Options,
    'metricsTopicsMax' | 'ui' | 'httpAddress' | 'httpsAddress' | 'natsUrl'
  >;
  readonly bounds: Bounds;
  readonly gauges: ThreadGauges;
  readonly meters: NodeMeters;
  readonly topics: TopicMap;
  readonly stats: StatsCollector;
  readonly drain: Drain;
  /** Why the data directory is unhealthy, or null. */
  readonly storage: { readonly failure: string | null };
  readonly operations: BrokerOperations;
  /** Connections over TCP. */
  readonly tcpCount: () => number;
};

export class NodeView {
  readonly metrics: MetricsSource;
  /** Null without a page. */
  readonly page: PageSource | null;

  readonly #setup: NodeViewSetup;
  readonly #sampler: HistorySampler | null;
  #state: 'starting' | 'running' | 'ending' = 'starting';

  constructor(setup: NodeViewSetup) {
    const { options, logger, clock, bounds, gauges, meters, guard, stats, operations } = setup;
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
    const isShown = options.ui && (options.httpAddress !== '' || options.httpsAddress !== '');
    const { stats: collect, node } = this.metrics;
    this.#sampler = isShown ? new HistorySampler({ stats: collect, clock, guard }) : null;
    this.page = null;
    if (this.#sampler === null) return;
    const tail = new LogTail(clock);
    logger.copyTo(tail);
    const { history } = this.#sampler;
    this.page = { history, tail, stats: collect, node, readiness: () => this.readiness() };
  }

  /** The phase between start and end that the broker is in. */
  get state(): 'starting' | 'running' | 'ending' {
    return this.#state;
  }

  /** The broker serves. */
  start(): void {
    this.#state = 'running';
    this.#sampler?.start();
  }

  /** The broker ends. */
  end(): void {
    this.#state = 'ending';
    this.#sampler?.stop();
  }

  /** Whether the broker is ready, check by check. */
  readiness(): ReadinessCheck[] {
    const { options, topics, drain, storage, operations } = this.#setup;
    const draining = drain.progress === null ? null : topics.drainRefusal;
    return readinessChecks({
      start: this.state === 'starting' ? 'the broker is starting' : null,
      drain: this.state === 'ending' ? 'the broker is ending' : draining,
      disk: operations.backendError() ?? storage.failure ?? topics.writeRefusal,
      space: topics.diskShortage,
      store: options.natsUrl === '' ? undefined : topics.storeAbsence,
    });
  }

  #health(): NodeHealth {
    const { options, topics } = this.#setup;
    return {
      isHealthy: this.#setup.operations.health() === 'OK',
      isReady: isReady(this.readiness()),
      isDraining: this.#setup.drain.progress !== null,
      isStoreThere: options.natsUrl === '' ? null : topics.storeAbsence === null,
      storeStalls: options.natsUrl === '' ? null : topics.storeStallCount,
    };
  }

  #connections(): NodeStatistics['connections'] {
    const { count, max, refusedCount } = this.#setup.bounds.limit;
    const tcp = this.#setup.tcpCount();
    return { tcp, http: count - tcp, max, refused: refusedCount };
  }
}
