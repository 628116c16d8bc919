/**
 * The broker's statistics as GET /stats shows them; field names and their order are those of the JSON.
 *
 * Thread: main. Source: nsqd `stats.go`.
 */

/** Which part of the statistics is wanted; undefined: all. */
export type StatsFilter = {
  topic: string | undefined;
  channel: string | undefined;
  withClients: boolean;
};

/**
 * Topics sorted by name, as far as the filter lets through; producers are null unless clients are wanted and
 * there are any.
 */
export type BrokerStats = {
  /** Null when the filter names a topic that does not exist. */
  topics: TopicStatistics[] | null;
  producers: ClientStatistics[] | null;
};

/** A share of the messages was finished within `value` ns of being published. */
export type LatencyStatistics = {
  count: number;
  percentiles: { quantile: number; value: number }[] | null;
};

/**
 * A topic; `depth` and `backend_depth` are what waits in the topic itself, not in its channels. `dropped_count` is
 * left out where queues have no bound.
 */
export type TopicStatistics = {
  topic_name: string;
  /** Sorted by name. */
  channels: ChannelStatistics[];
  depth: number;
  backend_depth: number;
  message_count: number;
  message_bytes: number;
  dropped_count?: number;
  paused: boolean;
  e2e_processing_latency: LatencyStatistics;
};

/**
 * The three `…_msg_count` fields are left out when they are 0, `dropped_count` where queues have no bound; `clients`
 * is null unless clients are wanted.
 */
export type ChannelStatistics = {
  channel_name: string;
  depth: number;
  backend_depth: number;
  in_flight_count: number;
  deferred_count: number;
  message_count: number;
  zone_local_msg_count?: number;
  region_local_msg_count?: number;
  global_msg_count?: number;
  requeue_count: number;
  timeout_count: number;
  dropped_count?: number;
  client_count: number;
  clients: ClientStatistics[] | null;
  paused: boolean;
  e2e_processing_latency: LatencyStatistics;
};

/** The optional fields are left out when they are false, empty or zero. `connect_ts` in Unix seconds. */
export type ClientStatistics = {
  client_id: string;
  hostname: string;
  version: string;
  remote_address: string;
  state: number;
  ready_count: number;
  in_flight_count: number;
  message_count: number;
  finish_count: number;
  requeue_count: number;
  connect_ts: number;
  sample_rate: number;
  deflate: boolean;
  snappy: boolean;
  user_agent: string;
  authed?: boolean;
  auth_identity?: string;
  auth_identity_url?: string;
  topology_zone: string;
  topology_region: string;
  pub_counts?: { topic: string; count: number }[];
  tls: boolean;
  tls_cipher_suite: string;
  tls_version: string;
  tls_negotiated_protocol: string;
  tls_negotiated_protocol_is_mutual: boolean;
};
