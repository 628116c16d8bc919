/**
 * The statistics as readable text, column by column as nsqd prints it.
 *
 * Thread: any.
 * Source: nsqd `printStats` and `ClientV2Stats.String`.
 */

import { formatDuration, NS_PER_MS } from '../../daemon/go/go-duration.ts';
import { formatRfc3339 } from '../../daemon/go/go-text.ts';
import { versionLine } from '../../daemon/version.ts';
import { namedMemory } from '../stats/memory-statistics.ts';
import type { PolicyCounts } from '../stats/policy-counts.ts';
import type {
  ChannelStatistics,
  ClientStatistics,
  LatencyStatistics,
  TopicStatistics,
} from '../stats/stats.ts';
import { STATE_NUMBERS, type StatsReport } from './stats-json.ts';

const MS_PER_SECOND = 1000;
const NS_PER_SECOND = 1e9;
const NS_PER_US = 1e3;
const POLICY_COLUMNS: readonly (readonly [keyof PolicyCounts, string])[] = [
  ['dropped', 'dropped'],
  ['expired', 'expired'],
  ['exhausted', 'exhausted'],
  ['deadLetters', 'dead'],
  ['throttled', 'throttled'],
];

/** The report in pieces no larger than one client or channel. Units: Unix ms. */
export function* statsText(report: StatsReport, nowMs: number): Iterable<string> {
  const { health, startTimeMs, stats, memory } = report;
  const uptimeNs = Math.round((nowMs - startTimeMs) * NS_PER_MS);
  const topics = stats.topics ?? [];
  const producers = stats.producers ?? [];

  let text = `${versionLine()}\n`;
  text += `start_time ${formatRfc3339(startTimeMs)}\n`;
  text += `uptime ${formatDuration(uptimeNs)}\n`;
  text += `\nHealth: ${health}\n`;
  const refusedCount = report.refusedConnectionCount;
  if (refusedCount > 0) text += `\nRefused connections: ${refusedCount}\n`;
  const failedCount = report.failedInputCount;
  if (failedCount > 0) text += `\nInputs that could not be handled: ${failedCount}\n`;
  if (memory !== undefined) {
    text += '\nMemory:\n';
    for (const [name, value] of namedMemory(memory)) text += `   ${left(name, 25)}\t${value}\n`;
  }
  yield text;
  yield topics.length === 0 ? '\nTopics: None\n' : '\nTopics:';
  for (const topic of topics) yield* topicText(topic, nowMs);
  yield producers.length === 0 ? '\nProducers: None\n' : '\nProducers:\n';
  for (const producer of producers) yield `   ${clientText(producer, nowMs)}\n`;
}

function* topicText(topic: TopicStatistics, nowMs: number): Iterable<string> {
  let text = `\n${topic.isPaused ? '*P ' : '   '}[${left(topic.name, 15)}]`;
  text += ` depth: ${left(topic.depth, 5)} be-depth: ${left(topic.backendDepth, 5)}`;
  text += ` msgs: ${left(topic.messageCount, 8)}`;
  text += policyText(topic.policyCounts);
  if (topic.isReplicated) text += ' replicated: all brokers';
  text += ` e2e%: ${latencyText(topic.latency)}\n`;
  yield text;
  for (const channel of topic.channels) yield* channelText(channel, nowMs);
}

function* channelText(channel: ChannelStatistics, nowMs: number): Iterable<string> {
  let text = `${channel.isPaused ? '   *P ' : '      '}[${left(channel.name, 25)}]`;
  text += ` depth: ${left(channel.depth, 5)} be-depth: ${left(channel.backendDepth, 5)}`;
  text += ` inflt: ${left(channel.inFlightCount, 4)} def: ${left(channel.deferredCount, 4)}`;
  text += ` re-q: ${left(channel.requeueCount, 5)} timeout: ${left(channel.timeoutCount, 5)}`;
  text += ` msgs: ${left(channel.messageCount, 8)}`;
  text += policyText(channel.policyCounts);
  text += ` e2e%: ${latencyText(channel.latency)}\n`;
  yield text;
  for (const client of channel.clients ?? []) yield `        ${clientText(client, nowMs)}\n`;
}

/** Columns that nsqd does not have, for the effects of policies. */
function policyText(counts: PolicyCounts): string {
  let text = '';
  for (const [name, column] of POLICY_COLUMNS) {
    const count = counts[name];
    if (count !== undefined) text += ` ${column}: ${left(count, 8)}`;
  }
  return text;
}

/** One connection; shown as a producer if it has published. */
function clientText(client: ClientStatistics, nowMs: number): string {
  const port = client.remoteAddress.slice(client.remoteAddress.lastIndexOf(':') + 1);
  const name = left(`${client.hostname}:${port} ${client.userAgent}`, 21);
  const seconds = Math.trunc(nowMs / MS_PER_SECOND - client.connectTimestamp);
  const connected = `connected: ${formatDuration(seconds * NS_PER_SECOND)}`;
  if (client.published !== null) {
    const { topic, count } = client.published;
    return `[V2 ${name}] msgs: ${left(count, 8)} topics: ${topic}=${count} ${connected}`;
  }
  let text = `[V2 ${name}] state: ${STATE_NUMBERS[client.state]}`;
  text += ` inflt: ${left(client.inFlightCount, 4)} rdy: ${left(client.readyCount, 4)}`;
  text += ` fin: ${left(client.finishCount, 8)} re-q: ${left(client.requeueCount, 8)}`;
  return `${text} msgs: ${left(client.messageCount, 8)} ${connected}`;
}

function latencyText(latency: LatencyStatistics): string {
  return (latency.percentiles ?? []).map(({ value }) => humanTime(value)).join(', ');
}

/** A time with one decimal, in the largest unit in which it exceeds one. Units: ns. */
export function humanTime(ns: number): string {
  if (ns > NS_PER_SECOND) return `${oneDigit(ns / NS_PER_SECOND)}s`;
  if (ns > NS_PER_MS) return `${oneDigit(ns / NS_PER_MS)}ms`;
  if (ns > NS_PER_US) return `${oneDigit(ns / NS_PER_US)}us`;
  return `${oneDigit(ns)}ns`;
}

/** Go rounds a tie to the even digit, `toFixed` up; ties have .25 or .75, and the results differ only for .25. */
function oneDigit(value: number): string {
  return value % 1 === 0.25 ? `${Math.floor(value)}.2` : value.toFixed(1);
}

/** Pads on the right, counting characters as Go does. */
function left(value: string | number, width: number): string {
  const text = String(value);
  return text + ' '.repeat(Math.max(0, width - [...text].length));
}
