import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Durations } from '../../../../../scripts/bench/percentiles.ts';
import { compare } from '../../../../../scripts/bench/report/comparison.ts';
import { htmlReport } from '../../../../../scripts/bench/report/html-report.ts';
import { type Figures, sumUp } from '../../../../../scripts/bench/report/metrics.ts';
import { makeReport, type Report } from '../../../../../scripts/bench/report/report.ts';

function reportOf(figures: Figures): Report {
  const durations = new Durations();
  for (const ms of [0.2, 0.3, 5, 40]) durations.add(ms);
  const { histogram } = durations.summary().latency;
  const windows = [0, 500].map((atMs) => ({ atMs, count: 2, p50: 1, p99: 3, max: 4 }));
  const latency = { histogram, windows };
  const results = [{ ...sumUp('server', [figures]), latency }];
  const entry = { name: 'PUB <1>', words: ['pub'], unit: 'msg', results, ratios: [], notes: ['a'] };
  const servers = [{ role: 'server' as const, what: 'ringmq', version: '1', name: 'RingMQ 1' }];
  return makeReport(['ringmq', 'bench'], servers, [entry], [{ name: 'sub', reason: 'no & no' }]);
}

test('HTML: one page that loads nothing, with charts, failures and the earlier report', () => {
  const then = reportOf({ rate: 100, cpuUs: 2, p50: 1, p90: 2, p99: 3 });
  const now = reportOf({ rate: 250, cpuUs: 1, p50: 1, p90: 2, p99: 4 });

  const page = htmlReport(now, then, compare(then, now));

  for (const part of [
    '<h2>PUB &lt;1&gt;</h2>',
    '<li class="failed">sub: no &amp; no</li>',
    '<figcaption>rate</figcaption>',
    '<figcaption>server CPU</figcaption>',
    '<figcaption>how often each latency was</figcaption>',
    '<figcaption>p50 over time; dashed: p99</figcaption>',
    '>250 msg/s</text>',
    '<title>before</title>',
    '<td class="better">better</td>',
  ]) {
    assert.ok(page.includes(part), `${part} is not in\n${page}`);
  }
  assert.doesNotMatch(page, /<script|<link|src=|url\(|NaN|Infinity|undefined/);
});

test('Durations: buckets have all samples, each at most a fifth below the bound', () => {
  const durations = new Durations();
  const samples = [0.0001, 0.001, 0.05, 0.123, 1, 7.7, 100, 5000];
  for (const ms of samples) durations.add(ms);

  const { latency } = durations.summary();

  const bounds = latency.histogram.map(([upperMs]) => upperMs);
  assert.equal(
    latency.histogram.reduce((sum, [, count]) => sum + count, 0),
    samples.length,
  );
  for (const ms of samples.slice(2)) {
    assert.ok(
      bounds.some((upperMs) => ms <= upperMs && upperMs <= ms * 1.26),
      String(ms),
    );
  }
  assert.deepEqual(
    latency.windows.map(({ count }) => count),
    [samples.length],
  );
});
