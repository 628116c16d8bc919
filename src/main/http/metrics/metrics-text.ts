/**
 * The text of `/metrics`, in pieces of a few hundred lines.
 *
 * Thread: main.
 */

import {
  type Format,
  headLines,
  histogramLines,
  sampleLines,
  sampleName,
  valueText,
} from '../../../daemon/metrics/exposition.ts';
import type { MetricHead } from '../../../daemon/metrics/metric.ts';
import type { NodeStatistics } from '../../stats/node-statistics.ts';
import type { LatencyStatistics } from '../../stats/stats.ts';
import type { ThingMetric } from './metric.ts';
import { type Named, OTHER, type ShownQueues } from './named-queues.ts';
import { NODE_METRICS } from './node-metrics.ts';
import { CHANNEL_METRICS, LATENCY_METRICS, TOPIC_METRICS } from './queue-metrics.ts';

/** Lines in a piece, which takes a fraction of a millisecond. */
const PIECE_LINES = 256;
/** Topics or channels that are looked at in a slice without a line. */
const LOOKED_AT_MAX = 4096;
const NS_PER_SECOND = 1e9;
const OTHER_TOPIC = `{topic="${OTHER}"}`;
const OTHER_CHANNEL = `{topic="${OTHER}",channel="${OTHER}"}`;

/** The number of topics and channels, and how many of them appear only in `other`. */
export const COUNT_METRICS = {
  topics: { name: 'ringmq_topics', unit: '', help: 'Topics.' },
  channels: { name: 'ringmq_channels', unit: '', help: 'Channels.' },
  otherTopics: {
    name: 'ringmq_metrics_other_topics',
    unit: '',
    help: `Topics beyond --metrics-topics-max, which are summed as the topic "${OTHER}".`,
  },
  otherChannels: {
    name: 'ringmq_metrics_other_channels',
    unit: '',
    help: `Channels beyond --metrics-topics-max, which are summed as the channel "${OTHER}".`,
  },
} as const satisfies Record<string, MetricHead>;

/** The whole text. An empty piece ends a slice. */
export function* metricsText(
  node: NodeStatistics,
  queues: ShownQueues,
  format: Format,
): Iterable<string> {
  for (const metric of NODE_METRICS) {
    const { name, kind } = metric;
    if (metric.kind === 'histogram') {
      yield headLines(metric, kind, format) + histogramLines(name, metric.read(node), format);
      continue;
    }
    const samples = metric.read(node);
    if (samples.length === 0) continue;
    yield headLines(metric, kind, format) + sampleLines(sampleName(name, kind), samples);
  }
  const { topics, channels, topicCount, channelCount, otherTopics, otherChannels } = queues;
  yield count(COUNT_METRICS.topics, topicCount, format);
  yield count(COUNT_METRICS.channels, channelCount, format);
  yield count(COUNT_METRICS.otherTopics, topicCount - topics.length, format);
  yield count(COUNT_METRICS.otherChannels, channelCount - channels.length, format);
  yield* things(TOPIC_METRICS, topics, OTHER_TOPIC, otherTopics, format);
  yield* latencies(LATENCY_METRICS.topic, topics, format);
  yield* things(CHANNEL_METRICS, channels, OTHER_CHANNEL, otherChannels, format);
  yield* latencies(LATENCY_METRICS.channel, channels, format);
  if (format === 'openmetrics') yield '# EOF\n';
}

function count(metric: MetricHead, value: number, format: Format): string {
  return `${headLines(metric, 'gauge', format)}${metric.name} ${value}\n`;
}

function* things<T>(
  metrics: readonly ThingMetric<T>[],
  named: readonly Named<T>[],
  otherLabels: string,
  others: readonly number[] | null,
  format: Format,
): Iterable<string> {
  if (named.length === 0 && others === null) return;
  for (const [at, metric] of metrics.entries()) {
    const { kind, read, isShown } = metric;
    const name = sampleName(metric.name, kind);
    const head = headLines(metric, kind, format);
    let text = head;
    let lineCount = 0;
    let hiddenCount = 0;
    for (const { labels, thing } of named) {
      if (isShown !== undefined && !isShown(thing)) {
        if (++hiddenCount % LOOKED_AT_MAX === 0) yield '';
        continue;
      }
      text += `${name}${labels} ${read(thing)}\n`;
      if (++lineCount % PIECE_LINES > 0) continue;
      yield text;
      text = '';
    }
    if (others !== null) text += `${name}${otherLabels} ${others[at]}\n`;
    if (text !== head) yield text;
  }
}

/** The percentiles of topics and channels that have some. `other` has none, because percentiles cannot be summed. */
function* latencies(
  metric: MetricHead,
  named: readonly Named<{ readonly latency: LatencyStatistics }>[],
  format: Format,
): Iterable<string> {
  let text = headLines(metric, 'summary', format);
  let lineCount = 0;
  for (const { labels, thing } of named) {
    const { percentiles } = thing.latency;
    if (percentiles === null) continue;
    for (const { quantile, value } of percentiles) {
      const all = `${labels.slice(0, -1)},quantile="${quantile}"}`;
      text += `${metric.name}${all} ${valueText(value / NS_PER_SECOND)}\n`;
      lineCount++;
    }
    if (text.length < PIECE_LINES * PIECE_LINES) continue;
    yield text;
    text = '';
  }
  if (lineCount > 0) yield text;
}
