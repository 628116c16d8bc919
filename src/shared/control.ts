/**
 * What main asks of a pump besides messages, what the pump replies, and what it says by itself. None of it is
 * on the path of a message, so it travels as msgpack; message bytes never do.
 *
 * Thread: any.
 */

import { Packr } from 'msgpackr';
import type { TopicPolicy } from './topic-policy.ts';

/** How near a consumer is: in the broker's zone, in its region, or anywhere. */
export type Locality = 'zone' | 'region' | 'global';

/** A request of main's, carried out in the order of the command ring. Times in ms. */
export type ControlRequest =
  | {
      do: 'createTopic';
      topic: number;
      name: string;
      isPaused: boolean;
      isStarted: boolean;
      policy: TopicPolicy;
    }
  | { do: 'startTopic'; topic: number }
  | {
      do: 'createChannel';
      topic: number;
      channel: number;
      name: string;
      isPaused: boolean;
      policy: TopicPolicy;
    }
  | { do: 'pauseTopic'; topic: number; isPaused: boolean }
  | { do: 'pauseChannel'; topic: number; channel: number; isPaused: boolean }
  | { do: 'emptyTopic'; topic: number }
  | { do: 'emptyChannel'; topic: number; channel: number }
  | { do: 'deleteTopic'; topic: number }
  | { do: 'deleteChannel'; topic: number; channel: number }
  | {
      do: 'subscribe';
      topic: number;
      channel: number;
      consumer: number;
      msgTimeoutMs: number;
      sampleRate: number;
      locality: Locality;
    }
  /** CLS: no more messages to this consumer; those in flight stay its own. */
  | { do: 'stopConsumer'; consumer: number }
  /** The connection is gone. */
  | { do: 'unsubscribe'; consumer: number }
  /** All topics, or those listed. */
  | { do: 'stats'; topics: number[] | null; withConsumers: boolean }
  /** Replies when every disk queue has answered everything that was asked of it. */
  | { do: 'settle' }
  /** Everything in memory goes to disk and the queues are closed; the loop ends with the reply. */
  | { do: 'close' };

/** `null`: done. Text: what went wrong. */
export type ControlReply = { error: string | null; topics?: TopicStats[] };

/** Counters of a topic as its pump knows them; counts are of messages. */
export type TopicStats = {
  topic: number;
  depth: number;
  backendDepth: number;
  messageCount: number;
  messageBytes: number;
  /** Dropped by a full queue to make room for newer ones; may be left out where queues have no bound. */
  droppedCount?: number;
  latency: LatencyCounts | null;
  channels: ChannelStats[];
};

/**
 * Times from publish to finish within the window: how many, and a value in ns for each percentile asked for.
 * Null where none were asked for, or where there is no channel to measure.
 */
export type LatencyCounts = { count: number; values: number[] };

/** Counters of a channel. `consumers` is empty unless asked for. */
export type ChannelStats = {
  channel: number;
  depth: number;
  backendDepth: number;
  inFlightCount: number;
  deferredCount: number;
  messageCount: number;
  requeueCount: number;
  timeoutCount: number;
  /** As of a topic. */
  droppedCount?: number;
  takenCounts: Record<Locality, number>;
  latency: LatencyCounts | null;
  consumers: ConsumerStats[];
};

/** Counters of a consumer. */
export type ConsumerStats = {
  consumer: number;
  readyCount: number;
  inFlightCount: number;
  messageCount: number;
  finishCount: number;
  requeueCount: number;
};

/** What a pump says by itself. */
export type PumpEvent =
  | { event: 'log'; level: 'info' | 'warn' | 'error'; text: string }
  /** Whether the disk queues of a topic or its channels take writes; `error` is null when they do again. */
  | { event: 'backend'; topic: number; error: string | null };

// Records with fixed keys would need state on both sides; plain maps keep every message self-contained.
const packr = new Packr({ useRecords: false });

/** Encodes one request, reply or event. */
export function encodeControl(value: ControlRequest | ControlReply | PumpEvent): Buffer {
  return packr.pack(value);
}

/** Decodes what `encodeControl` made on the other side. The caller names the type: both sides are of one build. */
export function decodeControl<T extends ControlRequest | ControlReply | PumpEvent>(
  bytes: Uint8Array,
): T {
  return packr.unpack(bytes) as T;
}
