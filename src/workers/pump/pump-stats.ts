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

  /** The counters of the requested numbers that exist. */
  of(wanted: Wanted, { topics, channels, consumers }: CountedThings): PumpCounts {
    return {
      topics: found(wanted.topics, topics).map((topic) => this.#ofTopic(topic)),
      channels: found(wanted.channels, channels).map((channel) => this.#ofChannel(channel)),
      consumers: found(wanted.consumers, consumers).map(ofConsumer),
    };
  }

  #ofTopic(topic: Topic): TopicCounts {
    const { queue, channels, depth } = topic;
    return {
      number: topic.number,
      counters: {
        depth,
        backendDepth: depth - queue.memoryCount,
        messageCount: topic.messageCount,
        messageBytes: topic.messageBytes,
        droppedCount: topic.undelivered.droppedCount,
        expiredCount: topic.undelivered.expiredCount,
        deadLetterCount: topic.undelivered.deadLetterCount,
        deduplicatedCount: topic.deduplication?.droppedCount ?? 0,
      },
      latency: channels.size === 0 ? null : this.#latencyOf(channels.values()),
    };
  }

  #ofChannel(channel: Channel): ChannelCounts {
    const { queue, undelivered } = channel;
    return {
      number: channel.number,
      counters: {
        depth: queue.depth + undelivered.leavingCount,
        backendDepth: queue.backendDepth,
        inFlightCount: channel.inFlightCount,
        deferredCount: channel.allDeferredCount,
        messageCount: channel.messageCount,
        requeueCount: channel.requeueCount,
        timeoutCount: channel.timeoutCount,
        droppedCount: undelivered.droppedCount,
        expiredCount: undelivered.expiredCount,
        deadLetterCount: undelivered.deadLetterCount,
        exhaustedCount: undelivered.exhaustedCount,
        throttledCount: channel.throttledCount,
        takenCounts: channel.takenCounts,
      },
      latency: this.#latencyOf([channel]),
    };
  }

  #latencyOf(channels: Iterable<Channel>): LatencySummary | null {
    if (this.#percentiles.length === 0) return null;
    const latencies: ProcessingLatency[] = [];
    for (const { latency } of channels) if (latency !== null) latencies.push(latency);
    return ProcessingLatency.summarize(latencies, this.#percentiles, this.#unixNs() / NS_PER_MS);
  }
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
