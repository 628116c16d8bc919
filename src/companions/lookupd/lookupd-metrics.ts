/**
 * All metrics of `/metrics`.
 *
 * Thread: main.
 */

import { NSQD_VERSION, RINGMQ_VERSION } from '../../daemon/version.ts';
import { one, type ServerMetric, type ServerStatistics, serverMetrics } from '../server-metrics.ts';

/** Where the metrics come from. */
export type LookupdStatistics = ServerStatistics & {
  readonly topicCount: number;
  readonly channelCount: number;
  readonly producerCount: number;
  readonly activeProducerCount: number;
  readonly watcherCount: number;
};

/** The metrics, in the order in which they are written. */
// biome-ignore format: a table is read row by row
export const LOOKUPD_METRICS: readonly ServerMetric<LookupdStatistics>[] = [
  { name: 'ringmq_lookupd_build', kind: 'info', unit: '', labels: ['version', 'nsqlookupd_version'],
    help: 'Versions of the program and of the nsqlookupd that it replaces.',
    read: () => [[[['version', RINGMQ_VERSION], ['nsqlookupd_version', NSQD_VERSION]], 1]] },
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
  { name: 'ringmq_lookupd_watchers', kind: 'gauge', unit: '', labels: [],
    help: 'Consumers that watch a topic.', read: ({ watcherCount }) => one(watcherCount) },
  ...serverMetrics('ringmq_lookupd'),
];
