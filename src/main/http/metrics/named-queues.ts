/**
 * Selects the topics and channels that `/metrics` shows by name: the first `--metrics-topics-max` topics and as many
 * channels, in the order of their names. All others are summed as the topic `other` with the channel `other`; if there
 * are any, a real topic of that name is one of them.
 *
 * The counters of `other` only grow, even if topics are deleted or become named: the increase of each counter since the
 * last scrape is added.
 *
 * Bound: the last counters of topics and channels that are not shown by name.
 * Thread: main.
 */

import { LabelList } from '../../../daemon/metrics/label-list.ts';
import { nextTurn } from '../../../daemon/slices.ts';
import type { ChannelStatistics, TopicStatistics } from '../../stats/stats.ts';
import type { ThingMetric } from './metric.ts';
import { CHANNEL_METRICS, TOPIC_METRICS } from './queue-metrics.ts';

/** The name of the sum, as a topic and as a channel. */
export const OTHER = 'other';

/** Topics or channels that are shown by name, and their labels in the same order. */
export type Named<T> = { readonly things: readonly T[]; readonly labels: LabelList };

/** The selection. Shape: `others` has a value for each metric, or is null if everything is shown by name. */
export type ShownQueues = {
  readonly topics: Named<TopicStatistics>;
  readonly channels: Named<ChannelStatistics>;
  readonly otherTopics: readonly number[] | null;
  readonly otherChannels: readonly number[] | null;
  readonly topicCount: number;
  readonly channelCount: number;
};

/** Topics and channels that are examined in one slice. */
const SLICE_MAX = 1024;

export class NamedQueues {
  readonly #max: number;
  readonly #topicTotals = new OtherTotals(TOPIC_METRICS);
  readonly #channelTotals = new OtherTotals(CHANNEL_METRICS);

  /** `max`: the limit on named topics, and on named channels. */
  constructor(max: number) {
    this.#max = max;
  }

  /** Selects from topics that are sorted by name. */
  async divide(all: readonly TopicStatistics[]): Promise<ShownQueues> {
    const channelCount = all.reduce((sum, { channels }) => sum + channels.length, 0);
    const isAll = all.length <= this.#max && channelCount <= this.#max;
    const topics: TopicStatistics[] = [];
    const channels: ChannelStatistics[] = [];
    const topicLabels = new LabelList();
    const channelLabels = new LabelList();
    const others: TopicStatistics[] = [];
    const otherChannels: [key: string, channel: ChannelStatistics][] = [];
    let looked = 0;
    for (const topic of all) {
      const { name } = topic;
      const isNamed = isAll || (topics.length < this.#max && name !== OTHER);
      if (isNamed) {
        topics.push(topic);
        topicLabels.add(`{topic="${name}"`);
      } else {
        others.push(topic);
      }
      for (const channel of topic.channels) {
        if (++looked % SLICE_MAX === 0) await nextTurn();
        if (isAll || (isNamed && channels.length < this.#max)) {
          channels.push(channel);
          channelLabels.add(`{topic="${name}",channel="${channel.name}"`);
        } else {
          otherChannels.push([`${name}:${channel.name}`, channel]);
        }
      }
      if (++looked % SLICE_MAX === 0) await nextTurn();
    }
    const named = (topic: TopicStatistics): [string, TopicStatistics] => [topic.name, topic];
    return {
      topics: { things: topics, labels: topicLabels },
      channels: { things: channels, labels: channelLabels },
      otherTopics: await this.#topicTotals.update(others.map(named)),
      otherChannels: await this.#channelTotals.update(otherChannels),
      topicCount: all.length,
      channelCount,
    };
  }
}

class OtherTotals<T> {
  readonly #metrics: readonly ThingMetric<T>[];
  readonly #totals: number[];
  #last: ReadonlyMap<string, Float64Array> = new Map();

  constructor(metrics: readonly ThingMetric<T>[]) {
    this.#metrics = metrics;
    this.#totals = metrics.map(() => 0);
  }

  /** The current sums, or null if nothing is summed and nothing ever was. */
  async update(things: readonly (readonly [key: string, thing: T])[]): Promise<number[] | null> {
    const metrics = this.#metrics;
    const totals = this.#totals;
    if (things.length === 0 && this.#last.size === 0 && totals.every((total) => total === 0)) {
      return null;
    }
    const gauges = metrics.map(() => 0);
    const seen = new Map<string, Float64Array>();
    for (const [index, [key, thing]] of things.entries()) {
      if (index % SLICE_MAX === SLICE_MAX - 1) await nextTurn();
      const last = this.#last.get(key);
      const values = new Float64Array(metrics.length);
      for (const [at, { kind, read }] of metrics.entries()) {
        const value = read(thing);
        values[at] = value;
        if (kind === 'gauge') gauges[at] += value;
        // A counter that has decreased belongs to a topic that was created again.
        else totals[at] += last === undefined || value < last[at] ? value : value - last[at];
      }
      seen.set(key, values);
    }
    this.#last = seen;
    return metrics.map(({ kind }, at) => (kind === 'gauge' ? gauges[at] : totals[at]));
  }
}
