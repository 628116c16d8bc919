/**
 * The rows of all nodes, added up: a topic or a channel is one row, however many nodes have it. It counts as paused if
 * it is paused on one of them. What waits in a replicated topic is the same at each of its nodes, so it counts once.
 *
 * Thread: main.
 */

import type { LiveRow, LiveSnapshot } from '../../../daemon/page/live-rows.ts';
import { nextTurn } from '../../../daemon/slices.ts';
import type { FleetNode } from './fleet-node.ts';

type SumRow = { -readonly [Name in keyof LiveRow]: LiveRow[Name] };

/** What consumers have been sent, or will be: the messages of all channels. */
type Counter = { readonly messages: number; readonly perSecond: number | null };

/** The fleet as one. */
export type FleetSum = LiveSnapshot & { readonly counter: Counter };

/** Rows that are added in one slice. */
const SLICE_ROWS = 2048;
const NO_ROW: Omit<LiveRow, 'topic' | 'name'> = {
  isPaused: false,
  in: null,
  out: null,
  queued: 0,
  depth: 0,
  onDisk: 0,
  inFlight: 0,
  deferred: 0,
  channels: 0,
  consumers: 0,
};

/** Adds up the data of the nodes. */
export async function fleetSum(nodes: readonly FleetNode[]): Promise<FleetSum> {
  const topics = new Map<string, SumRow>();
  const channels = new Map<string, SumRow>();
  let messages = 0;
  /** Messages that channels of replicated topics have had, by topic and channel. */
  const shared = new Map<string, number>();
  let sliced = 0;
  for (const { state } of nodes) {
    if (state === null) continue;
    for (const row of state.live.topics) add(topics, row.name, row);
    for (const row of state.live.channels) add(channels, `${row.topic}:${row.name}`, row);
    for (const topic of state.topics) {
      for (const { name, messageCount } of topic.channels) {
        if (topic.isReplicated !== true) messages += messageCount;
        else {
          const key = `${topic.name}:${name}`;
          shared.set(key, Math.max(messageCount, shared.get(key) ?? 0));
        }
      }
    }
    sliced += state.live.topics.length + state.live.channels.length;
    if (sliced < SLICE_ROWS) continue;
    sliced = 0;
    await nextTurn();
  }
  for (const count of shared.values()) messages += count;
  for (const row of topics.values()) row.channels = 0;
  let perSecond: number | null = null;
  for (const row of channels.values()) {
    row.channels = 1;
    const topic = topics.get(row.topic);
    if (topic !== undefined) topic.channels++;
    perSecond = known(perSecond, row.in);
  }
  const sortedTopics = [...topics.values()].sort((a, b) => order(a.name, b.name));
  const sortedChannels = [...channels.values()].sort(
    (a, b) => order(a.topic, b.topic) || order(a.name, b.name),
  );
  return {
    topics: sortedTopics,
    channels: sortedChannels,
    totals: totalsOf(sortedTopics),
    counter: { messages, perSecond },
  };
}

/** A sum of rows, under the names of the first. */
export function rowSum(topic: string, name: string, rows: readonly LiveRow[]): LiveRow {
  const sum: SumRow = { topic, name, ...NO_ROW };
  for (const row of rows) addRow(sum, row);
  return sum;
}

function add(sums: Map<string, SumRow>, key: string, row: LiveRow): void {
  const sum = sums.get(key);
  if (sum === undefined) sums.set(key, { ...row });
  else addRow(sum, row);
}

function addRow(sum: SumRow, row: LiveRow): void {
  if (sum.isReplicated === true && row.isReplicated === true) {
    addReplicated(sum, row);
    return;
  }
  if (row.isPaused) sum.isPaused = true;
  sum.in = known(sum.in, row.in);
  sum.out = known(sum.out, row.out);
  sum.queued += row.queued;
  sum.depth += row.depth;
  sum.onDisk += row.onDisk;
  sum.inFlight += row.inFlight;
  sum.deferred += row.deferred;
  sum.channels += row.channels;
  sum.consumers += row.consumers;
}

/** A node counts as deferred what the others have in flight. */
function addReplicated(sum: SumRow, row: LiveRow): void {
  const taken = Math.max(sum.inFlight + sum.deferred, row.inFlight + row.deferred);
  if (row.isPaused) sum.isPaused = true;
  sum.in = larger(sum.in, row.in);
  sum.out = known(sum.out, row.out);
  sum.queued = Math.max(sum.queued, row.queued);
  sum.depth = Math.max(sum.depth, row.depth);
  sum.onDisk = Math.max(sum.onDisk, row.onDisk);
  sum.inFlight += row.inFlight;
  sum.deferred = Math.max(0, taken - sum.inFlight);
  sum.channels = Math.max(sum.channels, row.channels);
  sum.consumers += row.consumers;
}

function totalsOf(topics: readonly LiveRow[]): LiveSnapshot['totals'] {
  const { channels, consumers, queued, onDisk, inFlight, deferred, ...sum } = rowSum(
    '',
    '',
    topics,
  );
  return {
    topics: topics.length,
    channels,
    consumers,
    queued,
    onDisk,
    inFlight,
    deferred,
    in: topics.length === 0 ? 0 : sum.in,
    out: topics.length === 0 ? 0 : sum.out,
  };
}

/** The sum of what is known. */
function known(a: number | null, b: number | null): number | null {
  if (a === null) return b;
  return b === null ? a : a + b;
}

/** The larger of what is known. */
function larger(a: number | null, b: number | null): number | null {
  if (a === null) return b;
  return b === null ? a : Math.max(a, b);
}

function order(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
