/**
 * The page's data on the broker, and where they come from.
 *
 * Thread: main.
 */

import type { LogTail } from '../../../daemon/log-tail.ts';
import type { History } from '../../stats/history.ts';
import type { NodeStatistics } from '../../stats/node-statistics.ts';
import type { ReadinessCheck } from '../../stats/readiness.ts';
import type { BrokerStats, StatsFilter } from '../../stats/stats.ts';

/** The broker, as the page sees it. */
export type PageSource = {
  readonly history: Pick<History, 'read' | 'leftOutCount'>;
  readonly tail: Pick<LogTail, 'since' | 'lastNumber'>;
  readonly stats: (filter: StatsFilter) => Promise<BrokerStats>;
  readonly node: () => NodeStatistics;
  readonly readiness: () => readonly ReadinessCheck[];
};
