/**
 * Frames of the whole fleet: the same events as a broker's page has, made of what all nodes answer.
 *
 * Thread: main.
 */

import { parseJson } from '../../../daemon/go/json.ts';
import type { LiveRow } from '../../../daemon/page/live-rows.ts';
import { pageOf } from '../../../daemon/page/row-page.ts';
import type { FrameSource } from '../../../daemon/page/viewers.ts';
import type { WatchQuery } from '../../../daemon/page/watch-query.ts';
import { RINGMQ_VERSION } from '../../../daemon/version.ts';
import type { Clock } from '../../../shared/clock.ts';
import { queryEscape } from '../../query-escape.ts';
import { failureOf } from '../upstream.ts';
import { membersOf } from '../upstream-values.ts';
import { consumerRows } from './consumer-rows.ts';
import type { CpuPace } from './cpu-pace.ts';
import type { FleetNode } from './fleet-node.ts';
import type { FleetPoll } from './fleet-poll.ts';
import { type FleetSum, fleetSum } from './fleet-sum.ts';
import { nodeRow, queueNodeRows, tombstonesOf } from './node-rows.ts';
import { latencySum, type NodeChannel, type NodeTopic } from './node-topics.ts';

/** The data of the nodes. */
export type FleetSnapshot = {
  readonly sum: FleetSum;
  readonly nodes: readonly FleetNode[];
  /** The common part of all frames, as JSON without its closing brace. */
  readonly summary: string;
};

const NS_PER_MS = 1_000_000n;
/** Troubles that a frame names. */
const TROUBLES_MAX = 5;
const NO_ROWS = { topics: [], channels: [] };
/** Most nodes of one topic in a frame. */
const NODE_ROWS_MAX = 500;

export class FleetFrames implements FrameSource<FleetSnapshot> {
  readonly #poll: FleetPoll;
  readonly #clock: Clock;
  readonly #pace: Pick<CpuPace, 'begin' | 'reset'>;
  readonly #startTimeMs: number;
  #sum: FleetSum | null = null;
  #sumVersion = 0;

  constructor(poll: FleetPoll, clock: Clock, pace: Pick<CpuPace, 'begin' | 'reset'>) {
    this.#poll = poll;
    this.#pace = pace;
    this.#clock = clock;
    this.#startTimeMs = this.#nowMs();
  }

  reset(): void {
    this.#poll.reset();
    this.#pace.reset();
    this.#sum = null;
  }

  async snapshot(): Promise<FleetSnapshot> {
    const poll = this.#poll;
    this.#pace.begin();
    await poll.poll();
    const { nodes, version } = poll;
    if (this.#sum === null || this.#sumVersion !== version) {
      this.#sum = await fleetSum(nodes);
      this.#sumVersion = version;
    }
    const troubles = [...poll.memberErrors, ...nodes.flatMap(troubleOf)];
    const summary = {
      timeMs: this.#nowMs(),
      broker: {
        name: nodes.length === 1 ? '1 broker' : `${nodes.length} brokers`,
        id: 0,
        hasConfig: false,
        version: RINGMQ_VERSION,
        startTimeMs: this.#startTimeMs,
        health: 'OK',
        isReady: troubles.length === 0,
        isDraining: false,
        notReady: shortened(troubles),
        connections: { used: 0, max: null },
        httpConnections: 0,
        memory: { used: 0, max: null },
        disk: null,
      },
      brokers: {
        total: nodes.length,
        answering: nodes.filter(({ error, state }) => error === null && state !== null).length,
      },
      totals: this.#sum.totals,
    };
    return { sum: this.#sum, nodes, summary: JSON.stringify(summary).slice(0, -1) };
  }

  async view(query: WatchQuery, { sum, nodes }: FleetSnapshot): Promise<string> {
    switch (query.view) {
      case 'topics':
        return JSON.stringify({ list: pageOf(sum.topics, query) });
      case 'channels':
        return JSON.stringify({ list: pageOf(sum.channels, query) });
      case 'topic':
        return JSON.stringify(topicView(query, sum, shownNodes(query, nodes)));
      case 'channel':
        return JSON.stringify(await this.#channelView(query, sum, shownNodes(query, nodes)));
      case 'nodes':
        return JSON.stringify({ list: pageOf(nodes.map(nodeRow).sort(byName), query) });
      case 'node':
        return JSON.stringify(nodeView(query, nodes));
      case 'counter':
        return JSON.stringify({ counter: sum.counter });
      default:
        return '{}';
    }
  }

  async #channelView(
    query: WatchQuery,
    sum: FleetSum,
    nodes: readonly FleetNode[],
  ): Promise<object> {
    const { topic, channel: name } = query;
    const { channels: rows } = rowsOf(query, sum, nodes);
    const row = rows.find((one) => one.topic === topic && one.name === name);
    if (row === undefined) return { missing: true };
    const there = nodes.flatMap((node) => {
      const channel = node.topic(topic)?.channels.find((one) => one.name === name);
      return channel === undefined ? [] : [{ node, channel }];
    });
    const channels = there.map(({ channel }) => channel);
    return {
      row,
      channel: {
        ...counted(channels, row),
        requeueCount: total(channels, ({ requeueCount }) => requeueCount),
        timeoutCount: total(channels, ({ timeoutCount }) => timeoutCount),
      },
      nodes: queueNodeRows(nodes, topic, name).slice(0, NODE_ROWS_MAX),
      ...(await this.#consumers(
        query,
        there.filter(({ channel }) => channel.clientCount > 0).map(({ node }) => node),
      )),
    };
  }

  /** A page of the consumers at these nodes. Those of a node that does not answer in time are left out. */
  async #consumers(query: WatchQuery, nodes: readonly FleetNode[]): Promise<object> {
    const { topic, channel, offset, limit } = query;
    const names = `topic=${queryEscape(topic)}&channel=${queryEscape(channel)}`;
    const nowS = this.#nowMs() / 1000;
    const found = new Map<string, ReturnType<typeof consumerRows>>();
    const ask = async (node: FleetNode): Promise<void> => {
      try {
        const bytes = await this.#poll.ask(node, `/stats?format=json&include_mem=false&${names}`);
        const answer = membersOf(parseJson(bytes.toString()));
        found.set(node.address, consumerRows(answer, query, node.address, nowS));
      } catch (error) {
        // The poll reports why a node does not answer.
        failureOf(error);
      }
    };
    await this.#poll.within(Promise.all(nodes.map(ask)));
    const all = nodes.flatMap(({ address }) => found.get(address) ?? []);
    return { consumerCount: all.length, consumers: all.slice(offset, offset + limit) };
  }

  #nowMs(): number {
    return Number(this.#clock.unixNs() / NS_PER_MS);
  }
}

function byName(a: LiveRow, b: LiveRow): number {
  return a.name < b.name ? -1 : 1;
}

/** All nodes, or the one that the query names. */
function shownNodes({ node }: WatchQuery, nodes: readonly FleetNode[]): readonly FleetNode[] {
  return node === '' ? nodes : nodes.filter(({ address }) => address === node);
}

/** The rows of all nodes together, or of the one that the query names. */
function rowsOf(
  { node }: WatchQuery,
  sum: FleetSum,
  [shown]: readonly FleetNode[],
): { readonly topics: readonly LiveRow[]; readonly channels: readonly LiveRow[] } {
  return node === '' ? sum : (shown?.state?.live ?? NO_ROWS);
}

function topicView(query: WatchQuery, sum: FleetSum, nodes: readonly FleetNode[]): object {
  const { topic: name } = query;
  const rows = rowsOf(query, sum, nodes);
  const row = rows.topics.find((one) => one.name === name);
  if (row === undefined) return { missing: true };
  const topics = nodes.flatMap((node) => node.topic(name) ?? []);
  // The search is for channels: the topic's name matches all of them.
  const channels = rows.channels
    .filter(({ topic }) => topic === name)
    .map((channel) => ({ ...channel, topic: '' }));
  return {
    row,
    topic: {
      ...counted(topics, row),
      messageBytes: total(topics, ({ messageBytes }) => messageBytes),
    },
    list: pageOf(channels, query),
    nodes: queueNodeRows(nodes, name, '').slice(0, NODE_ROWS_MAX),
  };
}

function nodeView(query: WatchQuery, nodes: readonly FleetNode[]): object {
  const node = nodes.find(({ address }) => address === query.node);
  if (node === undefined) return { missing: true };
  return {
    fleetNode: { ...nodeRow(node), tombstoned: tombstonesOf(node) },
    list: pageOf<LiveRow>(node.state?.live.topics ?? [], query),
  };
}

/** What is counted of a queue. Policies are each broker's own; a replicated queue is the same at all of them. */
function counted(queues: readonly (NodeTopic | NodeChannel)[], { isReplicated }: LiveRow): object {
  const counts = queues.map(({ messageCount }) => messageCount);
  return {
    ...(isReplicated === true && { isReplicated }),
    messageCount: isReplicated === true ? Math.max(0, ...counts) : total(counts, (count) => count),
    isPaused: queues.some(({ isPaused }) => isPaused),
    policies: null,
    policyCounts: {},
    latency: latencySum(queues.map(({ latency }) => latency)),
  };
}

function total<T>(all: readonly T[], of: (one: T) => number): number {
  return all.reduce((sum, one) => sum + of(one), 0);
}

function troubleOf({ address, error, state }: FleetNode): string[] {
  if (error !== null) return [`${address} does not answer (${error})`];
  if (state === null) return [`${address} has not answered yet`];
  return state.health === 'OK' ? [] : [`${address}: ${state.health}`];
}

function shortened(texts: readonly string[]): string[] {
  const more = texts.length - TROUBLES_MAX;
  return more > 0 ? [...texts.slice(0, TROUBLES_MAX), `and ${more} more`] : [...texts];
}
