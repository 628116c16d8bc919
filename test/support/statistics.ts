/** Statistics to be changed where a test needs them to be. */

import type {
  ChannelStatistics,
  ClientStatistics,
  TopicStatistics,
} from '../../src/main/stats/stats.ts';

export function topicStatistics(changes: Partial<TopicStatistics> = {}): TopicStatistics {
  return {
    topic_name: 'alpha',
    channels: [],
    depth: 1,
    backend_depth: 2,
    message_count: 3,
    message_bytes: 4,
    paused: false,
    e2e_processing_latency: { count: 0, percentiles: null },
    ...changes,
  };
}

export function channelStatistics(changes: Partial<ChannelStatistics> = {}): ChannelStatistics {
  return {
    channel_name: 'one',
    depth: 1,
    backend_depth: 2,
    in_flight_count: 3,
    deferred_count: 4,
    message_count: 5,
    requeue_count: 6,
    timeout_count: 7,
    client_count: 8,
    clients: [],
    paused: false,
    e2e_processing_latency: { count: 0, percentiles: null },
    ...changes,
  };
}

export function clientStatistics(changes: Partial<ClientStatistics> = {}): ClientStatistics {
  return {
    client_id: 'id',
    hostname: 'host',
    version: 'V2',
    remote_address: '127.0.0.1:5000',
    state: 3,
    ready_count: 1,
    in_flight_count: 2,
    message_count: 3,
    finish_count: 4,
    requeue_count: 5,
    connect_ts: 1_700_000_000,
    sample_rate: 0,
    deflate: false,
    snappy: false,
    user_agent: 'c/1',
    topology_zone: '',
    topology_region: '',
    tls: false,
    tls_cipher_suite: '',
    tls_version: '',
    tls_negotiated_protocol: '',
    tls_negotiated_protocol_is_mutual: false,
    ...changes,
  };
}
