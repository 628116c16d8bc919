/**
 * Control requests from main to a pump, the replies, and the events that a pump sends unasked. None of them is on the
 * path of a message, so they travel as msgpack; message bytes never do.
 *
 * Thread: any.
 */

import { Packr } from 'msgpackr';
import type { TopicPolicy } from './topic-policy.ts';

/** How near a consumer is: in the broker's zone, in its region, or anywhere. */
export type Locality = 'zone' | 'region' | 'global';

/** A request of main, carried out in the order of the command ring. Times in ms. */
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
  /** CLS: no more messages to this consumer; it keeps those in flight. */
  | { do: 'stopConsumer'; consumer: number }
  /** The connection is gone. */
  | { do: 'unsubscribe'; consumer: number }
  /** Counters of these topics, channels and consumers, as far as they exist; a few hundred in all. */
  | { do: 'stats'; topics: number[]; channels: number[]; consumers: number[] }
  /** Replies when every disk queue has answered all of its requests. */
  | { do: 'settle' }
  /** Everything in memory goes to disk and the queues are closed; the loop ends with the reply. */
  | { do: 'close' };

/** `null`: done. Text: the error. */
export type ControlReply = { error: string | null; counts?: PumpCounts };

/** The reply to `stats`, in no order. */
export type PumpCounts = {
  topics: TopicCounts[];
  channels: ChannelCounts[];
  consumers: ConsumerCounts[];
};

/** Counters of a topic as its pump knows them; `number` is the topic's. */
export type TopicCounts = {
  number: number;
  counters: TopicCounters;
  latency: LatencyCounts | null;
};

/** Counters of a channel. */
export type ChannelCounts = {
  number: number;
  counters: ChannelCounters;
  latency: LatencyCounts | null;
};

/** Counters of a consumer. */
export type ConsumerCounts = { number: number; counters: ConsumerCounters };

/**
 * What is counted of a topic: messages, but for `messageBytes`. `depth` and `backendDepth` are what waits in the topic
 * itself, not in its channels.
 */
export type TopicCounters = {
  depth: number;
  backendDepth: number;
  messageCount: number;
  messageBytes: number;
  /** Dropped by a full queue to make room for newer ones. */
  droppedCount: number;
};

/** What is counted of a channel: messages. */
export type ChannelCounters = {
  depth: number;
  backendDepth: number;
  inFlightCount: number;
  deferredCount: number;
  messageCount: number;
  requeueCount: number;
  timeoutCount: number;
  /** As of a topic. */
  droppedCount: number;
  /** Taken by consumers, except from disk, by how near the consumers are. */
  takenCounts: Record<Locality, number>;
};

/** What is counted of a consumer: messages. */
export type ConsumerCounters = {
  readyCount: number;
  inFlightCount: number;
  messageCount: number;
  finishCount: number;
  requeueCount: number;
};

/**
 * Times from publish to finish within the window: how many, and a value in ns for each percentile asked for.
 * Null where none were asked for, or where there is no channel to measure.
 */
export type LatencyCounts = { count: number; values: number[] };

/** An event that a pump sends unasked. */
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
