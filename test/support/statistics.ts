/** Statistics; a test changes those that it needs. */

import type { MemoryStatistics } from '../../src/main/stats/memory-statistics.ts';
import type {
  BrokerStats,
  ChannelStatistics,
  ClientStatistics,
  TopicStatistics,
} from '../../src/main/stats/stats.ts';
import { newChannelTallies, newTopicTallies } from '../../src/shared/control.ts';

/** Memory statistics in which all numbers differ. */
export const MEMORY: MemoryStatistics = {
  heapObjects: 1,
  heapIdleBytes: 2,
  heapInUseBytes: 3,
  heapReleasedBytes: 4,
  gcPauseUsec100: 5,
  gcPauseUsec99: 6,
  gcPauseUsec95: 7,
  nextGcBytes: 8,
  gcTotalRuns: 9,
};

const NO_LATENCY = { count: 0, percentiles: null };

/** Statistics without a client. */
export function brokerStatistics(
  topics: readonly TopicStatistics[] | null = [],
  changes: Partial<BrokerStats> = {},
): BrokerStats {
  return { topics, producers: null, ...changes };
}

export function topicStatistics(changes: Partial<TopicStatistics> = {}): TopicStatistics {
  return {
    name: 'alpha',
    channels: [],
    depth: 1,
    backendDepth: 2,
    messageCount: 3,
    ...newTopicTallies(),
    messageBytes: 4,
    droppedCount: 0,
    expiredCount: 0,
    deadLetterCount: 0,
    deduplicatedCount: 0,
    policyCounts: {},
    policies: [],
    isPaused: false,
    isReplicated: false,
    latency: NO_LATENCY,
    ...changes,
  };
}

export function channelStatistics(changes: Partial<ChannelStatistics> = {}): ChannelStatistics {
  return {
    name: 'one',
    depth: 1,
    backendDepth: 2,
    inFlightCount: 3,
    deferredCount: 4,
    messageCount: 5,
    ...newChannelTallies(),
    requeueCount: 6,
    timeoutCount: 7,
    droppedCount: 0,
    expiredCount: 0,
    deadLetterCount: 0,
    exhaustedCount: 0,
    throttledCount: 0,
    policyCounts: {},
    policies: [],
    isExpiring: false,
    takenCounts: { zone: 0, region: 0, global: 0 },
    clientCount: 8,
    clients: [],
    isPaused: false,
    latency: NO_LATENCY,
    ...changes,
  };
}

export function clientStatistics(changes: Partial<ClientStatistics> = {}): ClientStatistics {
  return {
    clientId: 'id',
    hostname: 'host',
    remoteAddress: '127.0.0.1:5000',
    state: 'subscribed',
    readyCount: 1,
    inFlightCount: 2,
    messageCount: 3,
    finishCount: 4,
    requeueCount: 5,
    connectTimestamp: 1_700_000_000,
    sampleRate: 0,
    userAgent: 'c/1',
    topologyZone: '',
    topologyRegion: '',
    compression: null,
    tls: null,
    auth: null,
    published: null,
    ...changes,
  };
}
