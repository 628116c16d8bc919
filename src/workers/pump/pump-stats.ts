/**
 * Reads a pump's counters for the statistics.
 *
 * Thread: pump. Source: nsqd `stats.go`.
 */

import type {
  ChannelCounts,
  ConsumerCounts,
  PumpCounts,
  TopicCounts,
} from '../../shared/control.ts';
import type { Channel } from './channel.ts';
import type { Consumer } from './consumer.ts';
import { type LatencySummary, ProcessingLatency } from './processing-latency.ts';
import type { Topic } from './topic.ts';

const NS_PER_MS = 1e6;

/** The topics, channels and consumers with counters, by number. */
interface CountedThings {
  readonly topics: ReadonlyMap<number, Topic>;
  readonly channels: ReadonlyMap<number, Channel>;
  readonly consumers: ReadonlyMap<number, Consumer>;
}

/** The requested numbers. */
type Wanted = {
  readonly topics: readonly number[];
  readonly channels: readonly number[];
  readonly consumers: readonly number[];
};

export class PumpStats {
  readonly #percentiles: readonly number[];
  readonly #unixNs: () => number;

  /** `percentiles`: of processing latency, as quantiles; `unixNs`: wall clock time in ns since 1970. */
  constructor(percentiles: readonly number[], unixNs: () => number) {
    this.#percentiles = percentiles;
    this.#unixNs = unixNs;
  }

  /**
   * The counters of the requested numbers that exist, with a `yield` after each channel whose latencies are read: a
   * topic has those of all its channels.
   */
  *of(wanted: Wanted, things: CountedThings): Generator<void, PumpCounts> {
    const topics: TopicCounts[] = [];
    const channels: ChannelCounts[] = [];
    for (const topic of found(wanted.topics, things.topics)) {
      topics.push(yield* this.#ofTopic(topic));
    }
    for (const channel of found(wanted.channels, things.channels)) {
      channels.push(yield* this.#ofChannel(channel));
    }
    return {
      topics,
      channels,
      consumers: found(wanted.consumers, things.consumers).map(ofConsumer),
    };
  }

  *#ofTopic(topic: Topic): Generator<void, TopicCounts> {
    const { queue, channels } = topic;
    const latency = channels.size === 0 ? null : yield* this.#latencyOf(channels.values());
    const { depth } = topic;
    return {
      number: topic.number,
      counters: {
        depth,
        backendDepth: depth - queue.memoryCount,
        messageCount: messagesOf(topic),
        ...topic.tallies,
        droppedCount: topic.undelivered.droppedCount,
        expiredCount: topic.undelivered.expiredCount,
        deadLetterCount: topic.undelivered.deadLetterCount,
        deduplicatedCount: topic.deduplication?.droppedCount ?? 0,
      },
      latency,
    };
  }

  *#ofChannel(channel: Channel): Generator<void, ChannelCounts> {
    const { queue, undelivered } = channel;
    const latency = yield* this.#latencyOf([channel]);
    return {
      number: channel.number,
      counters: {
        depth: queue.depth + undelivered.leavingCount,
        backendDepth: queue.backendDepth,
        inFlightCount: channel.inFlightCount,
        deferredCount: channel.allDeferredCount,
        messageCount: messagesOf(channel),
        ...channel.tallies,
        droppedCount: undelivered.droppedCount,
        expiredCount: undelivered.expiredCount,
        deadLetterCount: undelivered.deadLetterCount,
        exhaustedCount: undelivered.exhaustedCount,
        throttledCount: channel.rules.throttledCount,
        takenCounts: channel.takenCounts,
      },
      latency,
    };
  }

  *#latencyOf(channels: Iterable<Channel>): Generator<void, LatencySummary | null> {
    if (this.#percentiles.length === 0) return null;
    const nowMs = this.#unixNs() / NS_PER_MS;
    return yield* ProcessingLatency.summarize(latenciesOf(channels), this.#percentiles, nowMs);
  }
}

function* latenciesOf(channels: Iterable<Channel>): Generator<ProcessingLatency, void> {
  for (const { latency } of channels) if (latency !== null) yield latency;
}

function found<T>(numbers: readonly number[], things: ReadonlyMap<number, T>): T[] {
  return numbers.map((number) => things.get(number)).filter((thing) => thing !== undefined);
}

function ofConsumer(consumer: Consumer): ConsumerCounts {
  return {
    number: consumer.number,
    counters: {
      readyCount: consumer.isClosing ? 0 : consumer.readyCount,
      inFlightCount: consumer.inFlightCount,
      messageCount: consumer.messageCount,
      finishCount: consumer.finishCount,
      requeueCount: consumer.requeueCount,
    },
  };
}

/** Messages that a topic or channel has had: of a replicated one over all brokers, as far as that is known. */
function messagesOf({ queue, messageCount }: Pick<Topic, 'queue' | 'messageCount'>): number {
  return Math.max(messageCount, queue.backend.replicated?.messageCount ?? 0);
}
