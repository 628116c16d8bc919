/**
 * Topics and channels as rows with rates: what changed since the snapshot before. It keeps the counters of one
 * snapshot, and only while somebody watches.
 *
 * Thread: main.
 */

import { nextTurn } from '../../../daemon/slices.ts';
import { goneFrom, historyName } from '../../stats/history-sampler.ts';
import type { ChannelStatistics, TopicStatistics } from '../../stats/stats.ts';

/** A topic or a channel. Units: messages; rates per second, null where they are not known yet. */
export type LiveRow = {
  /** Of a channel, `topic` is its topic; of a topic it is the same as `name`. */
  readonly topic: string;
  readonly name: string;
  readonly isPaused: boolean;
  readonly in: number | null;
  readonly out: number | null;
  /** Of a topic, what waits in it and in its channels. */
  readonly queued: number;
  readonly depth: number;
  readonly onDisk: number;
  readonly inFlight: number;
  readonly deferred: number;
  readonly channels: number;
  readonly consumers: number;
};

/** Sums of all topics. */
type LiveTotals = {
  topics: number;
  channels: number;
  consumers: number;
  queued: number;
  onDisk: number;
  inFlight: number;
  deferred: number;
  in: number | null;
  out: number | null;
};

/** A snapshot; `topics` and `channels` are sorted by name. */
export type LiveSnapshot = {
  readonly topics: readonly LiveRow[];
  readonly channels: readonly LiveRow[];
  readonly totals: LiveTotals;
  readonly statistics: ReadonlyMap<string, TopicStatistics>;
};

type Counters = { readonly taken: number; readonly gone: number };

/** Topics and channels that are looked at in one slice. */
const SLICE_MAX = 1024;
const MS_PER_SECOND = 1000;

export class LiveRows {
  #last: ReadonlyMap<string, Counters> | null = null;
  #lastMs = 0;

  /** Forgets the last snapshot: nobody watches any more. */
  reset(): void {
    this.#last = null;
  }

  /** Makes a snapshot of topics that are sorted by name. Units: `nowMs` is monotonic. */
  async take(statistics: readonly TopicStatistics[], nowMs: number): Promise<LiveSnapshot> {
    const elapsedS = (nowMs - this.#lastMs) / MS_PER_SECOND;
    const last = this.#last;
    const counters = new Map<string, Counters>();
    const rates = (name: string, taken: number, gone: number): Pick<LiveRow, 'in' | 'out'> => {
      counters.set(name, { taken, gone });
      const before = last?.get(name);
      if (before === undefined || elapsedS <= 0) return { in: null, out: null };
      return {
        in: Math.max(0, taken - before.taken) / elapsedS,
        out: Math.max(0, gone - before.gone) / elapsedS,
      };
    };
    const topics: LiveRow[] = [];
    const channels: LiveRow[] = [];
    let count = 0;
    for (const topic of statistics) {
      const first = channels.length;
      for (const channel of topic.channels) {
        const name = historyName(topic.name, channel.name);
        const rated = rates(name, channel.messageCount, goneFrom(channel));
        channels.push(channelRow(topic.name, channel, rated));
        if (++count % SLICE_MAX === 0) await nextTurn();
      }
      const gone = topic.channels.reduce((sum, channel) => sum + goneFrom(channel), 0);
      topics.push(topicRow(topic, channels, first, rates(topic.name, topic.messageCount, gone)));
      if (++count % SLICE_MAX === 0) await nextTurn();
    }
    this.#last = counters;
    this.#lastMs = nowMs;
    return {
      topics,
      channels,
      totals: totalsOf(topics),
      statistics: new Map(statistics.map((topic) => [topic.name, topic])),
    };
  }
}

function channelRow(
  topic: string,
  channel: ChannelStatistics,
  rates: Pick<LiveRow, 'in' | 'out'>,
): LiveRow {
  const { name, isPaused, depth, backendDepth, inFlightCount, deferredCount, clientCount } =
    channel;
  return {
    topic,
    name,
    isPaused,
    ...rates,
    queued: depth,
    depth,
    onDisk: backendDepth,
    inFlight: inFlightCount,
    deferred: deferredCount,
    channels: 1,
    consumers: clientCount,
  };
}

/** `channels`: of which those from `first` on are the topic's. */
function topicRow(
  { name, isPaused, depth, backendDepth }: TopicStatistics,
  channels: readonly LiveRow[],
  first: number,
  rates: Pick<LiveRow, 'in' | 'out'>,
): LiveRow {
  let queued = depth;
  let onDisk = backendDepth;
  let inFlight = 0;
  let deferred = 0;
  let consumers = 0;
  for (let at = first; at < channels.length; at++) {
    const channel = channels[at];
    queued += channel.depth;
    onDisk += channel.onDisk;
    inFlight += channel.inFlight;
    deferred += channel.deferred;
    consumers += channel.consumers;
  }
  return {
    topic: name,
    name,
    isPaused,
    ...rates,
    queued,
    depth,
    onDisk,
    inFlight,
    deferred,
    channels: channels.length - first,
    consumers,
  };
}

function totalsOf(topics: readonly LiveRow[]): LiveTotals {
  const totals: LiveTotals = {
    topics: topics.length,
    channels: 0,
    consumers: 0,
    queued: 0,
    onDisk: 0,
    inFlight: 0,
    deferred: 0,
    in: topics.length === 0 ? 0 : null,
    out: topics.length === 0 ? 0 : null,
  };
  for (const topic of topics) {
    totals.channels += topic.channels;
    totals.consumers += topic.consumers;
    totals.queued += topic.queued;
    totals.onDisk += topic.onDisk;
    totals.inFlight += topic.inFlight;
    totals.deferred += topic.deferred;
    if (topic.in !== null) totals.in = (totals.in ?? 0) + topic.in;
    if (topic.out !== null) totals.out = (totals.out ?? 0) + topic.out;
  }
  return totals;
}
