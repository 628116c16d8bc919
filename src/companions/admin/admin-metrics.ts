/**
 * All metrics of `/metrics`.
 *
 * Thread: main.
 */

import { NSQD_VERSION, RINGMQ_VERSION } from '../../daemon/version.ts';
import { one, type ServerMetric, type ServerStatistics, serverMetrics } from '../server-metrics.ts';

/** Where the metrics come from. */
type AdminStatistics = ServerStatistics & {
  readonly upstreamRequestCount: number;
  readonly failedUpstreamRequestCount: number;
};

/** The metrics, in the order in which they are written. */
// biome-ignore format: a table is read row by row
export const ADMIN_METRICS: readonly ServerMetric<AdminStatistics>[] = [
  { name: 'ringmq_admin_build', kind: 'info', unit: '', labels: ['version', 'nsqadmin_version'],
    help: 'Versions of the program and of the nsqadmin that it replaces.',
    read: () => [[[['version', RINGMQ_VERSION], ['nsqadmin_version', NSQD_VERSION]], 1]] },
  { name: 'ringmq_admin_upstream_requests', kind: 'counter', unit: '', labels: [],
    help: 'Requests to brokers and nsqlookupds.',
    read: ({ upstreamRequestCount }) => one(upstreamRequestCount) },
  { name: 'ringmq_admin_failed_upstream_requests', kind: 'counter', unit: '', labels: [],
    help: 'Those of them that were not answered, or not with success.',
    read: ({ failedUpstreamRequestCount }) => one(failedUpstreamRequestCount) },
  ...serverMetrics('ringmq_admin'),
];
