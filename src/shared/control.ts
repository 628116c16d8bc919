/**
 * Control requests from main to a pump, the replies, and the events that a pump sends unasked. They are off the path
 * of messages, so they are encoded as msgpack; message bytes never are.
 *
 * Thread: any.
 */

// Pure JavaScript: the package's main entry looks for a native addition, which takes longer than all control requests.
import { Packr } from 'msgpackr/pack';
import { Unpackr } from 'msgpackr/unpack';
import type { DiskSurvey, DiskSurveyResult, Survey, SurveyResult } from './message-survey.ts';
import type { ChannelPolicy, Replication, TopicPolicy } from './topic-policy.ts';

/** A topic (`channel` is empty) or channel in the store of replicated topics, and how the topic is kept there. */
export type StreamName = {
  readonly topic: string;
  readonly channel: string;
  readonly replication: Replication;
};

/** Where a channel of a replicated topic begins: at a message of the topic, or at a time. Units: Unix time in ms. */
export type StreamStart = { readonly sequence: number } | { readonly unixMs: number };

/** A channel that begins there. */
export type StartedChannel = { readonly channel: string; readonly start: StreamStart };

/** A policy that all brokers of a store share: JSON, or null if it is removed. */
export type SharedPolicy = { readonly name: string; readonly text: string | null };

/** How close a consumer is: in the broker's zone, in its region, or elsewhere. */
export type Locality = 'zone' | 'region' | 'global';

/** A request from main, carried out in the order of the command ring. Times in ms. */
export type ControlRequest =
  | {
      do: 'createTopic';
      topic: number;
      name: string;
      isPaused: boolean;
      isStarted: boolean;
      /** Whether the store of replicated topics keeps it. */
      isReplicated: boolean;
      policy: TopicPolicy;
    }
  | { do: 'startTopic'; topic: number }
  | {
      do: 'createChannel';
      topic: number;
      channel: number;
      name: string;
      isPaused: boolean;
      policy: ChannelPolicy;
    }
  /** The store creates a channel of a replicated topic that begins with what the topic has kept. */
  | ({ do: 'startChannel'; topic: number } & StartedChannel)
  /**
   * Replies when the store has the topic, or its channel if `channel` is not 0, or with the reason why it cannot create
   * it.
   */
  | { do: 'whenStored'; topic: number; channel: number }
  /** The store sends a policy to other brokers. */
  | ({ do: 'sharePolicy' } & SharedPolicy)
  | { do: 'setTopicPolicy'; topics: number[]; policy: TopicPolicy }
  | { do: 'setChannelPolicy'; channels: number[]; policy: ChannelPolicy }
  /** What a topic had seen before the restart: see `Deduplication.save`. */
  | { do: 'restoreSeen'; topic: number; seen: Uint8Array }
  /** `isTold`: whether the store of a replicated topic notifies other brokers. */
  | { do: 'pauseTopic'; topic: number; isPaused: boolean; isTold: boolean }
  | { do: 'pauseChannel'; topic: number; channel: number; isPaused: boolean; isTold: boolean }
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
  /** CLS: send this consumer no more messages; those in flight stay with it. */
  | { do: 'stopConsumer'; consumer: number }
  /** The connection is gone. */
  | { do: 'unsubscribe'; consumer: number }
  /** Counters of these topics, channels and consumers, if they still exist; a few hundred in all. */
  | { do: 'stats'; topics: number[]; channels: number[]; consumers: number[] }
  /** Turns events about messages that time out on or off. */
  | { do: 'reportTimeouts'; isWanted: boolean }
  /** Looks at messages of a channel or, if `channel` is 0, of the topic itself. */
  | { do: 'survey'; topic: number; channel: number; survey: Survey }
  /** Replies when every disk queue has answered all of its requests. */
  | { do: 'settle' }
  /** Writes everything in memory to disk and closes the queues; the loop ends with the reply. */
  | { do: 'close' };

/** `null`: done. Text: the error. */
export type ControlReply = {
  error: string | null;
  counts?: PumpCounts;
  survey?: SurveyResult;
  seen?: SeenOfTopic[];
};

/** What a topic has seen, for the next start, in the reply to `close`. Shape: see `Deduplication.save`. */
export type SeenOfTopic = { topic: string; seen: Uint8Array };

/** The reply to `stats`, in no order. */
export type PumpCounts = {
  topics: TopicCounts[];
  channels: ChannelCounts[];
  consumers: ConsumerCounts[];
};

/** Counters of a topic as its pump keeps them; `number` is the topic's. */
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

/** What a topic itself counts. A new count is added here, and is in the statistics from then on. */
type TopicTallies = ReturnType<typeof newTopicTallies>;

/** Those of a new topic. */
export function newTopicTallies() {
  return { messageBytes: 0 };
}

/**
 * Counters of a topic. All count messages, except `messageBytes`. `depth` and `backendDepth` cover messages that wait
 * in the topic itself, not in its channels.
 */
export type TopicCounters = TopicTallies & {
  depth: number;
  backendDepth: number;
  messageCount: number;
  /** Dropped because the queue was full; expired. */
  droppedCount: number;
  expiredCount: number;
  /** Those of them that went to another topic. */
  deadLetterCount: number;
  /** Dropped because they were published before. */
  deduplicatedCount: number;
};

/** What a channel itself counts, as in `TopicTallies`. */
type ChannelTallies = ReturnType<typeof newChannelTallies>;

/** Those of a new channel. */
export function newChannelTallies() {
  return { requeueCount: 0, timeoutCount: 0 };
}

/** Counters of a channel, all in messages. */
export type ChannelCounters = ChannelTallies & {
  depth: number;
  backendDepth: number;
  inFlightCount: number;
  deferredCount: number;
  messageCount: number;
  /** As for a topic. */
  droppedCount: number;
  expiredCount: number;
  deadLetterCount: number;
  /** Messages that used all their attempts; they may have gone to another topic. */
  exhaustedCount: number;
  /** How often a delivery had to wait for a rate, or for a bound of messages in flight. */
  throttledCount: number;
  /** Messages delivered from memory, by the locality of the consumer. */
  takenCounts: Record<Locality, number>;
};

/** Counters of a consumer, all in messages. */
export type ConsumerCounters = {
  readyCount: number;
  inFlightCount: number;
  messageCount: number;
  finishCount: number;
  requeueCount: number;
};

/**
 * Times from publish to finish within the window: how many, and a value in ns for each configured percentile. Null if
 * no percentiles are configured or there is no channel to measure.
 */
export type LatencyCounts = { count: number; values: number[] };

/** An event that a pump sends unasked. */
export type PumpEvent =
  | { event: 'log'; level: 'info' | 'warn' | 'error'; text: string }
  /** Writes to a disk queue of the topic or of its channels fail; `error` is null when they work again. */
  | { event: 'backend'; topic: number; error: string | null }
  /** Messages of a channel have timed out; only if requested. */
  | { event: 'timeouts'; channel: number; count: number }
  /** The store of replicated topics is unavailable; `error` is null when it is available again. */
  | { event: 'store'; error: string | null }
  /** A channel in the store had messages and handed out none; the stream thread tries to repair it. */
  | { event: 'stalled'; topic: string; channel: string }
  /** A broker has set or removed a policy. */
  | ({ event: 'policy' } & SharedPolicy)
  /** The store has a topic (`channel` is empty) or channel, or no longer has it. */
  | {
      event: 'replicated';
      topic: string;
      channel: string;
      state: 'running' | 'paused' | 'gone';
    };

/**
 * Why messages go to a dead letter topic, and to which. Shape: `channel` is empty if they waited in the topic itself.
 */
export type DeadLetterHead = {
  topic: string;
  channel: string;
  target: string;
  isWrapped: boolean;
  reason: 'expired' | 'attempts' | 'full';
};

/** Everything that is encoded in this way. */
type Control =
  | ControlRequest
  | ControlReply
  | PumpEvent
  | DeadLetterHead
  | StreamName
  | StartedChannel
  | SharedPolicy
  | DiskSurvey
  | DiskSurveyResult;

// Records name the keys of equal objects once in a message, which is then decoded ten times faster than maps. Without
// shared structures every message is self-contained. Nothing of what was packed may reach the unpacker.
// One of each for the thread is enough: a call keeps nothing for the next one.
const packr = new Packr({ useRecords: true });
const unpackr = new Unpackr({ useRecords: true });

/** Encodes one of them. */
export function encodeControl(value: Control): Buffer {
  return packr.pack(value);
}

/** Decodes the output of `encodeControl`. The caller names the type: both sides are from the same build. */
export function decodeControl<T extends Control>(bytes: Uint8Array): T {
  return unpackr.unpack(bytes) as T;
}
