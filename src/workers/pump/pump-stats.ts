/**
 * Reads a pump's counters for the statistics.
 *
 * Thread: pump. Source: nsqd `stats.go`.
 */

import type { ChannelStats, ConsumerStats, TopicStats } from '../../shared/control.ts';
import type { Channel } from './channel.ts';
import type { Consumer } from './consumer.ts';
import { type LatencySummary, ProcessingLatency } from './processing-latency.ts';
import type { Topic } from './topic.ts';

const NS_PER_MS = 1e6;

export class PumpStats {
  readonly #percentiles: readonly number[];
  readonly #unixNs: () => number;

  /** `percentiles`: of processing latency, as quantiles; `unixNs`: wall clock time in ns since 1970. */
  constructor(percentiles: readonly number[], unixNs: () => number) {
    this.#percentiles = percentiles;
    this.#unixNs = unixNs;
  }

  of(topic: Topic, withConsumers: boolean): TopicStats {
    const channels = [...topic.channels.values()];
    return {
      topic: topic.number,
      depth: topic.depth,
      backendDepth: topic.depth - topic.queue.memoryCount,
      messageCount: topic.messageCount,
      messageBytes: topic.messageBytes,
      droppedCount: topic.queue.droppedCount,
      latency: channels.length === 0 ? null : this.#latencyOf(channels),
      channels: channels.map((channel) => this.#ofChannel(channel, withConsumers)),
    };
  }

  #ofChannel(channel: Channel, withConsumers: boolean): ChannelStats {
    return {
      channel: channel.number,
      depth: channel.queue.depth,
      backendDepth: channel.queue.backendDepth,
      inFlightCount: channel.inFlightCount,
      deferredCount: channel.allDeferredCount,
      messageCount: channel.messageCount,
      requeueCount: channel.requeueCount,
      timeoutCount: channel.timeoutCount,
      droppedCount: channel.queue.droppedCount,
      takenCounts: channel.takenCounts,
      latency: this.#latencyOf([channel]),
      consumers: withConsumers ? [...channel.consumers].map(ofConsumer) : [],
    };
  }

  #latencyOf(channels: readonly Channel[]): LatencySummary | null {
    if (this.#percentiles.length === 0) return null;
    const latencies = channels.map(({ latency }) => latency).filter((latency) => latency !== null);
    return ProcessingLatency.summarize(latencies, this.#percentiles, this.#unixNs() / NS_PER_MS);
  }
}

function ofConsumer(consumer: Consumer): ConsumerStats {
  return {
    consumer: consumer.number,
    readyCount: consumer.isClosing ? 0 : consumer.readyCount,
    inFlightCount: consumer.inFlightCount,
    messageCount: consumer.messageCount,
    finishCount: consumer.finishCount,
    requeueCount: consumer.requeueCount,
  };
}
