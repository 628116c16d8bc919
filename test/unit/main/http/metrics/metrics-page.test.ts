import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { MetricKind } from '../../../../../src/daemon/metrics/exposition.ts';
import { sampleName } from '../../../../../src/daemon/metrics/exposition.ts';
import type { MetricHead } from '../../../../../src/daemon/metrics/metric.ts';
import { COUNT_METRICS } from '../../../../../src/main/http/metrics/metrics-text.ts';
import { NODE_METRICS } from '../../../../../src/main/http/metrics/node-metrics.ts';
import {
  CHANNEL_METRICS,
  LATENCY_METRICS,
  TOPIC_METRICS,
} from '../../../../../src/main/http/metrics/queue-metrics.ts';

const ROOT = new URL('../../../../../', import.meta.url);
const NAME = /\b(?:ringmq|process)_[a-z_]+\b/g;

/** Every metric with its kind and labels, as docs/metrics.md has it in a row. */
function rows(): { name: string; kind: MetricKind; head: MetricHead; row: string }[] {
  const list: [MetricHead, MetricKind, readonly string[]][] = [
    ...NODE_METRICS.map((metric): [MetricHead, MetricKind, readonly string[]] => {
      return [metric, metric.kind, metric.labels];
    }),
    ...Object.values(COUNT_METRICS).map((metric): [MetricHead, MetricKind, readonly string[]] => {
      return [metric, 'gauge', []];
    }),
    ...TOPIC_METRICS.map((metric): [MetricHead, MetricKind, readonly string[]] => {
      return [metric, metric.kind, ['topic']];
    }),
    [LATENCY_METRICS.topic, 'summary', ['topic', 'quantile']],
    ...CHANNEL_METRICS.map((metric): [MetricHead, MetricKind, readonly string[]] => {
      return [metric, metric.kind, ['topic', 'channel']];
    }),
    [LATENCY_METRICS.channel, 'summary', ['topic', 'channel', 'quantile']],
  ];
  return list.map(([head, kind, labels]) => {
    const { name, unit, help } = head;
    const full = sampleName(name, kind);
    const cells = [
      `\`${full}\``,
      kind,
      unit,
      labels.map((label) => `\`${label}\``).join(', '),
      help,
    ];
    return { name: full, kind, head, row: `| ${cells.join(' | ')} |` };
  });
}

/** Names of series that a text mentions, except for the suffixes of histograms. */
function mentioned(file: string): Set<string> {
  const text = readFileSync(new URL(file, ROOT), 'utf8');
  const histograms = rows().filter(({ kind }) => kind === 'histogram');
  const names = [...text.matchAll(NAME)].map(([name]) => {
    const base = name.replace(/_(?:bucket|sum|count)$/, '');
    return histograms.some((one) => one.name === base) ? base : name;
  });
  return new Set(names);
}

test('docs/metrics.md has a row for each metric, in the order of the tables, and no other', () => {
  const page = readFileSync(new URL('docs/metrics.md', ROOT), 'utf8');
  const found = page.split('\n').filter((line) => /^\| `(?:ringmq|process)_/.test(line));

  assert.deepStrictEqual(
    found,
    rows().map(({ row }) => row),
  );
});

test('metrics: names end with their unit, and help texts are sentences', () => {
  for (const { head } of rows()) {
    const { name, unit, help } = head;
    if (unit !== '') assert.ok(name.endsWith(`_${unit}`), name);
    assert.match(help, /^[A-Z][^\n\\]*\.$|^[A-Z].*--[a-z-]+\.$/, name);
  }
});

for (const file of [
  'deploy/prometheus/ringmq.rules.yml',
  'deploy/grafana/ringmq.json',
  'docs/metrics.md',
]) {
  test(`${file} names no metric that there is not`, () => {
    const known = new Set(rows().map(({ name }) => name));
    const unknown = [...mentioned(file)].filter((name) => !known.has(name));

    assert.deepStrictEqual(unknown, []);
  });
}

test('the dashboard shows every metric of topics, channels and times', () => {
  const shown = mentioned('deploy/grafana/ringmq.json');
  const wanted = rows().filter(({ name, kind }) => {
    return (
      kind === 'histogram' ||
      /^ringmq_(?:topic|channel)_.*(?:depth|flight|published|received)/.test(name)
    );
  });

  assert.deepStrictEqual(
    wanted.filter(({ name }) => !shown.has(name)).map(({ name }) => name),
    [],
  );
});
