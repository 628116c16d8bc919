/**
 * The text of `/metrics`, as bytes in pieces of some hundred lines.
 *
 * Thread: main.
 */

import {
  type Format,
  headLines,
  histogramLines,
  sampleLines,
  sampleName,
} from '../../../daemon/metrics/exposition.ts';
import { LabelList } from '../../../daemon/metrics/label-list.ts';
import { linePart } from '../../../daemon/metrics/line-part.ts';
import { LinePieces, type PieceMemory } from '../../../daemon/metrics/line-pieces.ts';
import type { MetricHead } from '../../../daemon/metrics/metric.ts';
import type { NodeStatistics } from '../../stats/node-statistics.ts';
import type { LatencyStatistics } from '../../stats/stats.ts';
import type { ThingMetric } from './metric.ts';
import { type Named, OTHER, type ShownQueues } from './named-queues.ts';
import { NODE_METRICS } from './node-metrics.ts';
import { CHANNEL_METRICS, LATENCY_METRICS, TOPIC_METRICS } from './queue-metrics.ts';

/** Topics or channels that are looked at in a slice without a line. */
const LOOKED_AT_MAX = 4096;
const NS_PER_SECOND = 1e9;
const OTHER_TOPIC = labelsOf(`{topic="${OTHER}"`);
const OTHER_CHANNEL = labelsOf(`{topic="${OTHER}",channel="${OTHER}"`);
/** Ends a slice. */
const NOTHING = Buffer.alloc(0);

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

/** The whole text, in pieces of the memory. An empty piece ends a slice. */
export function* metricsText(
  node: NodeStatistics,
  queues: ShownQueues,
  format: Format,
  memory?: PieceMemory,
): Iterable<Buffer> {
  const lines = new LinePieces(memory);
  for (const metric of NODE_METRICS) {
    const { name, kind } = metric;
    if (metric.kind === 'histogram') {
      lines.text(headLines(metric, kind, format) + histogramLines(name, metric.read(node), format));
      continue;
    }
    const samples = metric.read(node);
    if (samples.length === 0) continue;
    lines.text(headLines(metric, kind, format) + sampleLines(sampleName(name, kind), samples));
  }
  const { topics, channels, topicCount, channelCount, otherTopics, otherChannels } = queues;
  const topicsShown = topics.things.length;
  const channelsShown = channels.things.length;
  lines.text(count(COUNT_METRICS.topics, topicCount, format));
  lines.text(count(COUNT_METRICS.channels, channelCount, format));
  lines.text(count(COUNT_METRICS.otherTopics, topicCount - topicsShown, format));
  lines.text(count(COUNT_METRICS.otherChannels, channelCount - channelsShown, format));
  yield* things(lines, TOPIC_METRICS, topics, OTHER_TOPIC, otherTopics, format);
  yield* latencies(lines, LATENCY_METRICS.topic, topics, format);
  yield* things(lines, CHANNEL_METRICS, channels, OTHER_CHANNEL, otherChannels, format);
  yield* latencies(lines, LATENCY_METRICS.channel, channels, format);
  if (format === 'openmetrics') lines.text('# EOF\n');
  yield lines.take();
}

function count(metric: MetricHead, value: number, format: Format): string {
  return `${headLines(metric, 'gauge', format)}${metric.name} ${value}\n`;
}

function labelsOf(text: string): LabelList {
  const labels = new LabelList();
  labels.add(text);
  return labels;
}

function* things<T>(
  lines: LinePieces,
  metrics: readonly ThingMetric<T>[],
  { things: named, labels }: Named<T>,
  otherLabels: LabelList,
  others: readonly number[] | null,
  format: Format,
): Iterable<Buffer> {
  if (named.length === 0 && others === null) return;
  for (const [at, metric] of metrics.entries()) {
    const { kind, read, isShown } = metric;
    const name = linePart(sampleName(metric.name, kind));
    const head = headLines(metric, kind, format);
    let hasLines = false;
    let hiddenCount = 0;
    for (let index = 0; index < named.length; index++) {
      const thing = named[index];
      if (isShown !== undefined && !isShown(thing)) {
        if (++hiddenCount % LOOKED_AT_MAX === 0) yield NOTHING;
        continue;
      }
      if (!hasLines) lines.text(head);
      hasLines = true;
      lines.sample(name, labels, index, read(thing));
      if (lines.isWhole) yield lines.take();
    }
    if (others === null) continue;
    if (!hasLines) lines.text(head);
    lines.sample(name, otherLabels, 0, others[at]);
  }
}

/** The percentiles of topics and channels that have some. `other` has none, because percentiles cannot be summed. */
function* latencies(
  lines: LinePieces,
  metric: MetricHead,
  { things: named, labels }: Named<{ readonly latency: LatencyStatistics }>,
  format: Format,
): Iterable<Buffer> {
  const name = linePart(metric.name);
  let hasLines = false;
  for (let index = 0; index < named.length; index++) {
    const { percentiles } = named[index].latency;
    if (percentiles === null) continue;
    if (!hasLines) lines.text(headLines(metric, 'summary', format));
    hasLines = true;
    for (const { quantile, value } of percentiles) {
      const closing = linePart(`,quantile="${quantile}"} `);
      lines.sample(name, labels, index, value / NS_PER_SECOND, closing);
    }
    if (lines.isWhole) yield lines.take();
  }
}
