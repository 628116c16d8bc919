/**
 * Topics and channels as rows with rates, computed from the difference to the previous snapshot. The counters of one
 * snapshot are kept, and only while there are viewers.
 *
 * Thread: main.
 */

import { nextTurn } from '../slices.ts';

/** The statistics of a channel that rows need. */
export type CountedChannel = {
  readonly name: string;
  readonly isPaused: boolean;
  readonly messageCount: number;
  readonly depth: number;
  readonly backendDepth: number;
  readonly inFlightCount: number;
  readonly deferredCount: number;
  readonly clientCount: number;
};

/** The statistics of a topic that rows need; its channels are sorted by name. */
export type CountedTopic = {
  readonly name: string;
  readonly isPaused: boolean;
  /** Whether the figures are those of all brokers. */
  readonly isReplicated?: boolean;
  readonly messageCount: number;
  readonly depth: number;
  readonly backendDepth: number;
  readonly channels: readonly CountedChannel[];
};

/** A topic or a channel. Units: messages; rates per second, null if they are not known yet. */
export type LiveRow = {
  /** For a channel, its topic; for a topic, the same as `name`. */
  readonly topic: string;
  readonly name: string;
  readonly isPaused: boolean;
  /** Of a replicated topic, whose figures are those of all brokers; left out otherwise. */
  readonly isReplicated?: true;
  readonly in: number | null;
  readonly out: number | null;
  /** For a topic, the messages that wait in it and in its channels. */
  readonly queued: number;
  readonly depth: number;
  readonly onDisk: number;
  readonly inFlight: number;
  readonly deferred: number;
  readonly channels: number;
  readonly consumers: number;
};

/** The sums of all topics. */
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

/** A snapshot; its rows are sorted by name. */
export type LiveSnapshot = {
  readonly topics: readonly LiveRow[];
  readonly channels: readonly LiveRow[];
  readonly totals: LiveTotals;
};

type Rates = Pick<LiveRow, 'in' | 'out'>;
const UNKNOWN: Rates = { in: null, out: null };

/** Topics and channels that are examined in one slice. */
const SLICE_MAX = 512;
const MS_PER_SECOND = 1000;

/** The counters of a snapshot, ordered by name. The next snapshot passes through them once, in the same order. */
class Counters {
  readonly #topics: string[] = [];
  readonly #names: string[] = [];
  readonly #taken: number[] = [];
  readonly #gone: number[] = [];
  #at = 0;

  add(topic: string, name: string, taken: number, gone: number): void {
    this.#topics.push(topic);
    this.#names.push(name);
    this.#taken.push(taken);
    this.#gone.push(gone);
  }

  /** The increase of the counters since then; null for a new topic or channel. Names must come in order. */
  change(topic: string, name: string, taken: number, gone: number): [number, number] | null {
    while (this.#isBefore(topic, name)) this.#at++;
    const at = this.#at;
    if (this.#topics[at] !== topic || this.#names[at] !== name) return null;
    return [Math.max(0, taken - this.#taken[at]), Math.max(0, gone - this.#gone[at])];
  }

  #isBefore(topic: string, name: string): boolean {
    const at = this.#at;
    if (at === this.#topics.length) return false;
    const own = this.#topics[at];
    return own < topic || (own === topic && this.#names[at] < name);
  }
}

export class LiveRows {
  #last: { readonly topics: Counters; readonly channels: Counters } | null = null;
  #lastMs = 0;

  /** Drops the last snapshot, because there are no viewers any more. */
  reset(): void {
    this.#last = null;
  }

  /** Nothing has changed until now, so the next rates begin here. Units: `nowMs` is monotonic. */
  rest(nowMs: number): void {
    this.#lastMs = nowMs;
  }

  /** Makes a snapshot from topics and channels that are sorted by name. Units: `nowMs` is monotonic. */
  async take(statistics: readonly CountedTopic[], nowMs: number): Promise<LiveSnapshot> {
    const perSecond = MS_PER_SECOND / Math.max(1, nowMs - this.#lastMs);
    const last = this.#last;
    const next = { topics: new Counters(), channels: new Counters() };
    const rates = (
      kind: 'topics' | 'channels',
      topic: string,
      name: string,
      taken: number,
      gone: number,
    ): Rates => {
      next[kind].add(topic, name, taken, gone);
      const change = last === null ? null : last[kind].change(topic, name, taken, gone);
      if (change === null) return UNKNOWN;
      return { in: change[0] * perSecond, out: change[1] * perSecond };
    };
    const topics: LiveRow[] = [];
    const channels: LiveRow[] = [];
    const totals = noTotals(statistics.length);
    let count = 0;
    for (const topic of statistics) {
      const first = channels.length;
      let gone = 0;
      for (const channel of topic.channels) {
        const left = goneFrom(channel);
        gone += left;
        const rated = rates('channels', topic.name, channel.name, channel.messageCount, left);
        channels.push(channelRow(topic, channel, rated));
        if (++count % SLICE_MAX === 0) await nextTurn();
      }
      const rated = rates('topics', topic.name, '', topic.messageCount, gone);
      const row = topicRow(topic, channels, first, rated);
      topics.push(row);
      addTo(totals, row);
      if (++count % SLICE_MAX === 0) await nextTurn();
    }
    this.#last = next;
    this.#lastMs = nowMs;
    return { topics, channels, totals };
  }
}

/**
 * Messages that reached a channel and have left it: finished, expired, dropped or emptied. It may be negative, because
 * the counter of received messages restarts with the broker; differences are right.
 */
export function goneFrom(channel: Omit<CountedChannel, 'name' | 'isPaused'>): number {
  const { messageCount, depth, inFlightCount, deferredCount } = channel;
  return messageCount - depth - inFlightCount - deferredCount;
}

function channelRow(topic: CountedTopic, channel: CountedChannel, rates: Rates): LiveRow {
  const { name, isPaused, depth, backendDepth, inFlightCount, deferredCount, clientCount } =
    channel;
  return {
    topic: topic.name,
    name,
    isPaused,
    ...(topic.isReplicated === true && { isReplicated: true }),
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

/** `channels`: those from `first` on belong to the topic. */
function topicRow(
  { name, isPaused, isReplicated, depth, backendDepth }: CountedTopic,
  channels: readonly LiveRow[],
  first: number,
  rates: Rates,
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
    ...(isReplicated === true && { isReplicated }),
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

function noTotals(topicCount: number): LiveTotals {
  const rate = topicCount === 0 ? 0 : null;
  return {
    topics: topicCount,
    channels: 0,
    consumers: 0,
    queued: 0,
    onDisk: 0,
    inFlight: 0,
    deferred: 0,
    in: rate,
    out: rate,
  };
}

function addTo(totals: LiveTotals, topic: LiveRow): void {
  totals.channels += topic.channels;
  totals.consumers += topic.consumers;
  totals.queued += topic.queued;
  totals.onDisk += topic.onDisk;
  totals.inFlight += topic.inFlight;
  totals.deferred += topic.deferred;
  if (topic.in !== null) totals.in = (totals.in ?? 0) + topic.in;
  if (topic.out !== null) totals.out = (totals.out ?? 0) + topic.out;
}
