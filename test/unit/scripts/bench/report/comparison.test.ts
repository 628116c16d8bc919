import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare } from '../../../../../scripts/bench/report/comparison.ts';
import {
  comparisonText,
  entryText,
  markdownReport,
} from '../../../../../scripts/bench/report/formats.ts';
import { type Figures, sumUp } from '../../../../../scripts/bench/report/metrics.ts';
import {
  type Entry,
  makeReport,
  parseReport,
  quoted,
  type Report,
} from '../../../../../scripts/bench/report/report.ts';

function entryOf(name: string, figures: Figures, words = ['pub']): Entry {
  const results = [sumUp('server', [figures])];
  return { name, words, unit: 'msg', results, ratios: [], notes: ['a note'] };
}

function reportOf(...entries: Entry[]): Report {
  const servers = [
    { role: 'server' as const, what: 'ringmq', version: '1.3.0', name: 'RingMQ 0.2.0' },
  ];
  return makeReport(['ringmq', 'bench', 'a b'], servers, entries);
}

test('compare: what is better depends on the figure, and small changes are none', () => {
  const then = reportOf(entryOf('load', { rate: 100, cpuUs: 2, p50: 1, generatorCpuUs: 1 }));
  const now = reportOf(entryOf('load', { rate: 200, cpuUs: 3, p50: 1.04, generatorCpuUs: 9 }));

  const found = compare(then, now).changes.map(({ metric, ratio, verdict }) => ({
    metric,
    ratio,
    verdict,
  }));
  assert.deepStrictEqual(found, [
    { metric: 'rate', ratio: 2, verdict: 'better' },
    { metric: 'cpuUs', ratio: 1.5, verdict: 'worse' },
    { metric: 'p50', ratio: 1.04, verdict: 'same' },
  ]);
});

test('compare: something that was nothing before has no ratio', () => {
  const then = reportOf(entryOf('load', { early: 0, missedHeartbeats: 0 }));
  const now = reportOf(entryOf('load', { early: 3, missedHeartbeats: 0 }));

  const found = compare(then, now).changes.map(({ ratio, verdict }) => ({ ratio, verdict }));
  assert.deepStrictEqual(found, [
    { ratio: null, verdict: 'worse' },
    { ratio: null, verdict: 'same' },
  ]);
});

test('compare: loads that are new, or not the same any more, are said', () => {
  const then = reportOf(entryOf('load', { rate: 1 }, ['pub', '--batch', '1']));
  const now = reportOf(entryOf('load', { rate: 1 }), entryOf('other', { rate: 1 }));

  const { notes } = compare(then, now);
  assert.deepStrictEqual(notes, [
    '"load" was another load: "pub --batch 1" then, "pub" now',
    '"other" is not in the earlier report',
  ]);
});

test('report: a report is read as it was written', () => {
  const report = reportOf(entryOf('load', { rate: 100 }));

  assert.deepStrictEqual(parseReport(JSON.stringify(report)), report);
  assert.equal(report.command, "ringmq bench 'a b'");
});

test('report: what is no report is refused', () => {
  const texts = [
    '{}',
    '[]',
    '{"format":0,"entries":[]}',
    '{"format":1,"entries":[{"name":"load"}]}',
    '{"format":1,"entries":[{"name":"load","results":[{"role":"server","best":{"rate":"1"}}]}]}',
  ];
  for (const text of texts)
    assert.throws(() => parseReport(text), /no report|no name or no figures/);
});

test('report: words are quoted as a shell needs it', () => {
  assert.deepStrictEqual(['--a=b/c', 'a b', "it's", ''].map(quoted), [
    '--a=b/c',
    "'a b'",
    "'it'\\''s'",
    "''",
  ]);
});

test('text report: a row for each figure, a column for each server', () => {
  const server = sumUp('server', [{ rate: 1_234_567.8, cpuUs: 0.5 }]);
  const sink = sumUp('null sink', [{ rate: 2_000_000 }]);
  const text = entryText({
    ...entryOf('load', {}),
    results: [server, sink],
    ratios: [{ to: 'null sink', figures: { rate: 0.62 } }],
  });

  const rows = text.split('\n').map((line) => line.trim().split(/ {2,}/));
  assert.deepStrictEqual(rows, [
    ['load'],
    ['ringmq bench pub'],
    ['server', 'null sink', 'ratio to null sink'],
    ['rate', '1,234,568 msg/s', '2,000,000 msg/s', '× 0.62'],
    ['server CPU', '0.50 µs/msg', 'not known'],
    ['note: a note'],
  ]);
});

test('text report: a comparison leaves out what is the same', () => {
  const then = reportOf(entryOf('load', { rate: 100, cpuUs: 1 }));
  const now = reportOf(entryOf('load', { rate: 150, cpuUs: 1 }));

  const lines = comparisonText(compare(then, now)).split('\n').slice(1);
  assert.deepStrictEqual(lines, [
    '  better  load, server rate: 100 msg/s → 150 msg/s (× 1.50)',
    '  1 figures are the same within 5 %',
  ]);
});

test('Markdown report: says the command, the machine and the figures, and compares', () => {
  const then = reportOf(entryOf('load', { rate: 100 }));
  const now = reportOf(entryOf('load', { rate: 150 }));

  const text = markdownReport(now, compare(then, now));
  for (const part of [
    "- command: `ringmq bench 'a b'`",
    '- server: RingMQ 0.2.0, `ringmq`',
    '| load | 150 msg/s |  |',
    '## load',
    '| rate | 150 msg/s |',
    '- a note',
    '| load | server | rate | 100 msg/s | 150 msg/s | × 1.50 | better |',
  ]) {
    assert.ok(text.split('\n').includes(part), `${part} is not in\n${text}`);
  }
});
