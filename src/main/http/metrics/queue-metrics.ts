/**
 * The metrics of topics and channels: every counter and gauge that `/stats` has of them. Counters of what nsqd does not
 * do are there where `/stats` has them: where a policy or an option has it done, or where it has been done.
 *
 * Thread: any.
 */

import type { ChannelMetric, TopicMetric } from './metric.ts';

/** The metrics of a topic, in the order in which they are written. */
// biome-ignore format: a table is read row by row
export const TOPIC_METRICS: readonly TopicMetric[] = [
  { name: 'ringmq_topic_depth_messages', kind: 'gauge', unit: 'messages',
    help: 'Messages that wait in the topic itself, not in its channels.',
    read: (topic) => topic.depth },
  { name: 'ringmq_topic_backend_depth_messages', kind: 'gauge', unit: 'messages',
    help: 'Messages of the depth of the topic that are on disk.',
    read: (topic) => topic.backendDepth },
  { name: 'ringmq_topic_published_messages', kind: 'counter', unit: 'messages',
    help: 'Messages published to the topic.',
    read: (topic) => topic.messageCount },
  { name: 'ringmq_topic_published_bytes', kind: 'counter', unit: 'bytes',
    help: 'Bytes of the bodies of messages published to the topic.',
    read: (topic) => topic.messageBytes },
  { name: 'ringmq_topic_dropped_messages', kind: 'counter', unit: 'messages',
    help: 'Messages that a full queue of the topic has dropped.',
    read: (topic) => topic.droppedCount,
    isShown: (topic) => topic.policyCounts.dropped !== undefined },
  { name: 'ringmq_topic_expired_messages', kind: 'counter', unit: 'messages',
    help: 'Messages of the topic that were older than its policy allows.',
    read: (topic) => topic.expiredCount,
    isShown: (topic) => topic.policyCounts.expired !== undefined },
  { name: 'ringmq_topic_dead_letter_messages', kind: 'counter', unit: 'messages',
    help: 'Messages of the topic that its policy has moved to another topic.',
    read: (topic) => topic.deadLetterCount,
    isShown: (topic) => topic.policyCounts.deadLetters !== undefined },
  { name: 'ringmq_topic_channels', kind: 'gauge', unit: '',
    help: 'Channels of the topic.',
    read: (topic) => topic.channels.length },
  { name: 'ringmq_topic_paused', kind: 'gauge', unit: '',
    help: 'Whether the topic is paused: 1, or 0.',
    read: (topic) => Number(topic.isPaused) },
];

/** The metrics of a channel, in the order in which they are written. */
// biome-ignore format: a table is read row by row
export const CHANNEL_METRICS: readonly ChannelMetric[] = [
  { name: 'ringmq_channel_depth_messages', kind: 'gauge', unit: 'messages',
    help: 'Messages that wait in the channel.',
    read: (channel) => channel.depth },
  { name: 'ringmq_channel_backend_depth_messages', kind: 'gauge', unit: 'messages',
    help: 'Messages of the depth of the channel that are on disk.',
    read: (channel) => channel.backendDepth },
  { name: 'ringmq_channel_in_flight_messages', kind: 'gauge', unit: 'messages',
    help: 'Messages that consumers have and have not answered.',
    read: (channel) => channel.inFlightCount },
  { name: 'ringmq_channel_deferred_messages', kind: 'gauge', unit: 'messages',
    help: 'Messages that are not due yet.',
    read: (channel) => channel.deferredCount },
  { name: 'ringmq_channel_received_messages', kind: 'counter', unit: 'messages',
    help: 'Messages that the channel has received from its topic.',
    read: (channel) => channel.messageCount },
  { name: 'ringmq_channel_requeued_messages', kind: 'counter', unit: 'messages',
    help: 'Messages that consumers have requeued.',
    read: (channel) => channel.requeueCount },
  { name: 'ringmq_channel_timed_out_messages', kind: 'counter', unit: 'messages',
    help: 'Messages that were not answered in time.',
    read: (channel) => channel.timeoutCount },
  { name: 'ringmq_channel_dropped_messages', kind: 'counter', unit: 'messages',
    help: 'Messages that a full queue of the channel has dropped.',
    read: (channel) => channel.droppedCount,
    isShown: (channel) => channel.policyCounts.dropped !== undefined },
  { name: 'ringmq_channel_expired_messages', kind: 'counter', unit: 'messages',
    help: 'Messages of the channel that were older than its policy allows.',
    read: (channel) => channel.expiredCount,
    isShown: (channel) => channel.policyCounts.expired !== undefined },
  { name: 'ringmq_channel_attempts_exceeded_messages', kind: 'counter', unit: 'messages',
    help: 'Messages of the channel that were sent as often as its policy allows, and not finished.',
    read: (channel) => channel.exhaustedCount,
    isShown: (channel) => channel.policyCounts.exhausted !== undefined },
  { name: 'ringmq_channel_dead_letter_messages', kind: 'counter', unit: 'messages',
    help: 'Messages of the channel that its policy has moved to another topic.',
    read: (channel) => channel.deadLetterCount,
    isShown: (channel) => channel.policyCounts.deadLetters !== undefined },
  { name: 'ringmq_channel_throttled', kind: 'counter', unit: '',
    help: 'How often a delivery had to wait because of the rate or the messages in flight that the policy allows.',
    read: (channel) => channel.throttledCount,
    isShown: (channel) => channel.policyCounts.throttled !== undefined },
  { name: 'ringmq_channel_zone_local_messages', kind: 'counter', unit: 'messages',
    help: 'Messages delivered from memory to consumers in the zone of the broker.',
    read: (channel) => channel.takenCounts.zone,
    isShown: (channel) => channel.takenCounts.zone > 0 },
  { name: 'ringmq_channel_region_local_messages', kind: 'counter', unit: 'messages',
    help: 'Messages delivered from memory to consumers in the region of the broker, and not in its zone.',
    read: (channel) => channel.takenCounts.region,
    isShown: (channel) => channel.takenCounts.region > 0 },
  { name: 'ringmq_channel_global_messages', kind: 'counter', unit: 'messages',
    help: 'Messages delivered from memory to consumers elsewhere.',
    read: (channel) => channel.takenCounts.global,
    isShown: (channel) => channel.takenCounts.global > 0 },
  { name: 'ringmq_channel_consumers', kind: 'gauge', unit: '',
    help: 'Consumers of the channel.',
    read: (channel) => channel.clientCount },
  { name: 'ringmq_channel_paused', kind: 'gauge', unit: '',
    help: 'Whether the channel is paused: 1, or 0.',
    read: (channel) => Number(channel.isPaused) },
];

/** The percentiles of processing latency, with the label `quantile`; only where `/stats` has them. */
export const LATENCY_METRICS = {
  topic: {
    name: 'ringmq_topic_processing_latency_seconds',
    unit: 'seconds',
    help: 'Time from publish to finish, over all channels: percentiles of --e2e-processing-latency-percentile.',
  },
  channel: {
    name: 'ringmq_channel_processing_latency_seconds',
    unit: 'seconds',
    help: 'Time from publish to finish: percentiles of --e2e-processing-latency-percentile.',
  },
} as const;
