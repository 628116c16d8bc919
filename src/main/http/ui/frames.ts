/**
 * Frames: the events that viewers receive once per second. A frame has a summary, which all viewers share, and the data
 * of its view. Each frame is complete, so a viewer may miss any.
 *
 * Thread: main.
 */

import { type LiveRow, LiveRows, type LiveSnapshot } from '../../../daemon/page/live-rows.ts';
import { pageOf } from '../../../daemon/page/row-page.ts';
import type { FrameSource } from '../../../daemon/page/viewers.ts';
import type { WatchQuery } from '../../../daemon/page/watch-query.ts';
import { RINGMQ_VERSION } from '../../../daemon/version.ts';
import type { Clock } from '../../../shared/clock.ts';
import type { NodeStatistics } from '../../stats/node-statistics.ts';
import type { ChannelStatistics, ClientStatistics, TopicStatistics } from '../../stats/stats.ts';
import { TOTALS } from '../../stats/stats-collector.ts';
import { nodeJson } from './node-json.ts';
import type { PageSource } from './page-source.ts';

/** A snapshot of the broker, from which frames are made. Units: `atMs` is monotonic. */
export type Snapshot = {
  readonly atMs: number;
  readonly live: LiveSnapshot;
  readonly topics: readonly TopicStatistics[];
  readonly node: NodeStatistics;
  /** The common part of all frames, as JSON without its closing brace. */
  readonly summary: string;
};

/** The broker's identity. */
type BrokerName = {
  readonly name: string;
  readonly id: number;
  readonly hasConfig: boolean;
};

/** The dependencies of frames. */
export type FramesSetup = {
  readonly source: PageSource;
  readonly clock: Clock;
  /** The broker's current name. */
  readonly broker: () => BrokerName;
  /** `OK`, or `NOK - ` and the reason. */
  readonly health: () => string;
};

const NS_PER_MS = 1_000_000n;
const DAY_MS = 86_400_000;

export class Frames implements FrameSource<Snapshot> {
  readonly #setup: FramesSetup;
  readonly #rows = new LiveRows();

  constructor(setup: FramesSetup) {
    this.#setup = setup;
  }

  /** There are no more viewers. */
  reset(): void {
    this.#rows.reset();
  }

  /** Takes a snapshot. */
  async snapshot(): Promise<Snapshot> {
    const { source, clock, broker, health } = this.#setup;
    const topics = (await source.stats(TOTALS)).topics ?? [];
    const atMs = clock.monotonicMs();
    const live = await this.#rows.take(topics, atMs);
    const node = source.node();
    const summary = {
      timeMs: Number(clock.unixNs() / NS_PER_MS),
      broker: {
        ...broker(),
        version: RINGMQ_VERSION,
        startTimeMs: node.startTime * 1000,
        health: health(),
        isReady: node.isReady,
        isDraining: node.isDraining,
        notReady: source.readiness().flatMap(({ name, reason }) => {
          return reason === undefined ? [] : [`${name}: ${reason}`];
        }),
        connections: bounded(node.connections.tcp, node.connections.max),
        httpConnections: node.connections.http,
        memory: { used: node.memory.resident, max: node.memory.limit },
        disk: node.disk.volume,
      },
      totals: live.totals,
    };
    return { atMs, live, topics, node, summary: JSON.stringify(summary).slice(0, -1) };
  }

  /** The data of a view besides the summary, as JSON. */
  async view(query: WatchQuery, snapshot: Snapshot): Promise<string> {
    const { live, topics, node } = snapshot;
    switch (query.view) {
      case 'topics':
        return JSON.stringify({ list: pageOf(live.topics, query) });
      case 'channels':
        return JSON.stringify({ list: pageOf(live.channels, query) });
      case 'topic':
        return JSON.stringify(topicView(query, live, topics));
      case 'channel':
        return JSON.stringify(await this.#channelView(query, live));
      case 'node':
        return JSON.stringify({ node: nodeJson(node, this.#setup.source) });
      default:
        return '{}';
    }
  }

  async #channelView(query: WatchQuery, live: LiveSnapshot): Promise<object> {
    const { topic, channel: name } = query;
    const row = live.channels.find((one) => one.topic === topic && one.name === name);
    if (row === undefined) return { missing: true };
    const { topics } = await this.#setup.source.stats({ topic, channel: name, withClients: true });
    const channel = topics?.[0]?.channels.find((one) => one.name === name);
    if (channel === undefined) return { missing: true };
    const clients = channel.clients ?? [];
    const nowS = Number(this.#setup.clock.unixNs() / NS_PER_MS) / 1000;
    return {
      row,
      channel: { ...counted(channel), ...replicated(row) },
      consumerCount: channel.clientCount,
      consumers: clients
        .slice(query.offset, query.offset + query.limit)
        .map((client) => consumerJson(client, nowS)),
    };
  }
}

function topicView(
  query: WatchQuery,
  live: LiveSnapshot,
  topics: readonly TopicStatistics[],
): object {
  const topic = topics.find(({ name }) => name === query.topic);
  const row = live.topics.find(({ name }) => name === query.topic);
  if (topic === undefined || row === undefined) return { missing: true };
  const channels = live.channels.filter((channel) => channel.topic === query.topic);
  // The search is for channels: the topic's name matches all of them.
  const named = channels.map((channel) => ({ ...channel, topic: '' }));
  return {
    row,
    topic: {
      ...counted(topic),
      messageBytes: topic.messageBytes,
      ...replicated(row),
    },
    list: pageOf(named, query),
  };
}

/** Marks figures that are those of all brokers. */
function replicated({ isReplicated }: LiveRow): object {
  return isReplicated === true ? { isReplicated } : {};
}

/** Counters and policies. */
function counted(thing: TopicStatistics | ChannelStatistics): object {
  const { messageCount, policies, policyCounts, latency, isPaused } = thing;
  const shared = { messageCount, policies, policyCounts, latency: latency.percentiles, isPaused };
  if (!('requeueCount' in thing)) return shared;
  const { requeueCount, timeoutCount, isExpiring } = thing;
  return { ...shared, requeueCount, timeoutCount, isExpiring };
}

function consumerJson(client: ClientStatistics, nowS: number): object {
  const { tls } = client;
  const ageMs = Math.min(Math.max(0, nowS - client.connectTimestamp) * 1000, DAY_MS * 36_500);
  return {
    client: client.clientId,
    host: client.hostname,
    address: client.remoteAddress,
    agent: client.userAgent,
    state: client.state,
    ready: client.readyCount,
    inFlight: client.inFlightCount,
    delivered: client.messageCount,
    finished: client.finishCount,
    requeued: client.requeueCount,
    ageMs,
    layers: [
      ...(tls === null ? [] : [tls.version]),
      ...(client.compression === null ? [] : [client.compression]),
      ...(client.sampleRate > 0 ? [`${client.sampleRate} % sample`] : []),
      ...(client.auth === null ? [] : [`as ${client.auth.identity}`]),
    ],
  };
}

/** JSON has no number for infinity. */
function bounded(used: number, max: number): { used: number; max: number | null } {
  return { used, max: Number.isFinite(max) ? max : null };
}
