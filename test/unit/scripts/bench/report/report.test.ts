import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  entryText,
  markdownReport,
  summaryText,
  tableLines,
} from '../../../../../scripts/bench/report/formats.ts';
import { ratiosOf, sumUp } from '../../../../../scripts/bench/report/metrics.ts';
import {
  type Entry,
  makeReport,
  type Report,
  type ServerFact,
  serverNames,
} from '../../../../../scripts/bench/report/report.ts';
import { LoadProgress } from '../../../../../scripts/bench/run-load.ts';
import { ManualClock } from '../../../../support/manual-clock.ts';

const COLUMNS_MAX = 100;
const SERVERS: readonly ServerFact[] = [
  { role: 'server', what: 'ringmq', version: '1.3.0', name: 'RingMQ 0.2.0' },
  { role: 'against', what: 'nsqd', version: '1.3.0', name: 'nsqd 1.3.0' },
];

/** Two servers with three runs each. */
function reportOf(): Report {
  const results = [
    sumUp('server', [
      { rate: 300, cpuUs: 1 },
      { rate: 100, cpuUs: 3 },
      { rate: 200, cpuUs: 2 },
    ]),
    sumUp('against', [
      { rate: 150, cpuUs: 2 },
      { rate: 100, cpuUs: 3 },
      { rate: 50, cpuUs: 8 },
    ]),
  ];
  const entry: Entry = {
    ...{ name: 'PUB', words: ['pub', '--batch', '1'], unit: 'msg', notes: [] },
    ...{ results, ratios: ratiosOf(results) },
  };
  return makeReport(
    ['ringmq', 'bench'],
    SERVERS,
    [entry],
    [{ name: 'sub', reason: 'sub: server, run 1 of 3: the server says E_INVALID' }],
  );
}

test('summary: rates and ratios are medians of the same runs, and failed loads are there', () => {
  const lines = summaryText(reportOf())
    .split('\n')
    .map((line) => line.trim().split(/ {2,}/));

  assert.deepEqual(lines, [
    ['summary'],
    ['work', 'RingMQ 0.2.0', 'CPU', 'nsqd 1.3.0', 'CPU', 'ratio', 'of CPU'],
    ['PUB', '200 msg/s', '2.00 µs/msg', '100 msg/s', '3.00 µs/msg', '× 2.00', '× 0.50'],
    ['sub', 'failed'],
    ['failed: sub: sub: server, run 1 of 3: the server says E_INVALID'],
  ]);
});

test('Markdown: the summary comes before the loads, and failures have their reasons', () => {
  const text = markdownReport(reportOf(), null);

  const parts = [
    '## Summary',
    '| PUB | 200 msg/s | 2.00 µs/msg | 100 msg/s | 3.00 µs/msg | × 2.00 | × 0.50 |',
    '- sub: sub: server, run 1 of 3: the server says E_INVALID',
    '## PUB',
    '|  | RingMQ 0.2.0 | nsqd 1.3.0 | ratio to nsqd 1.3.0 |',
  ];
  const places = parts.map((part) => text.indexOf(`${part}\n`));
  assert.deepEqual(
    places,
    places.toSorted((a, b) => a - b),
  );
  assert.ok(!places.includes(-1), text);
});

test('JSON: failed loads are in it', () => {
  const { failures } = JSON.parse(JSON.stringify(reportOf())) as Report;

  assert.deepEqual(
    failures?.map(({ name }) => name),
    ['sub'],
  );
});

test('names: the same program twice is told apart by its role', () => {
  const [first] = SERVERS;
  const nameOf = serverNames([first, { ...first, role: 'against' }]);

  assert.deepEqual(
    [nameOf('server'), nameOf('against'), nameOf('null sink')],
    ['RingMQ 0.2.0 (server)', 'RingMQ 0.2.0 (against)', 'null sink'],
  );
});

test('text: no line is longer than a terminal, whatever the number of servers and the notes', () => {
  const [entry] = reportOf().entries;
  const wide = { ...entry, notes: ['word '.repeat(60).trim()], words: Array(30).fill('--flag') };
  const nameOf = (role: string): string => `${role} with a long name and version`;

  const text = entryText(wide, nameOf);
  const table = tableLines(
    ['', ...Array(12).fill('a column of words')],
    [['row', ...Array(12).fill('1')]],
  );

  const longest = [...text.split('\n'), ...table].map((line) => line.length);
  assert.ok(Math.max(...longest) <= COLUMNS_MAX, text);
});

test('progress: says which load it is, and about how long the others take', () => {
  const clock = new ManualClock();
  const lines: string[] = [];
  const line = {
    update: (text: string) => lines.push(text),
    clear: () => undefined,
    print: () => undefined,
  };
  const progress = new LoadProgress(line, clock, 3);

  progress.next();
  progress.update('PUB');
  clock.advance(90_000);
  progress.next();
  progress.update('SUB');
  clock.advance(30_000);
  progress.next();
  progress.update('idle');

  assert.deepEqual(lines, [
    'load 1 of 3: PUB',
    'load 2 of 3, about 3 min left: SUB',
    'load 3 of 3, about 1 min left: idle',
  ]);
});

test('progress: a single load is not counted', () => {
  const lines: string[] = [];
  const line = {
    update: (text: string) => lines.push(text),
    clear: () => undefined,
    print: () => undefined,
  };
  const progress = new LoadProgress(line, new ManualClock(), 1);

  progress.next();
  progress.update('PUB');

  assert.deepEqual(lines, ['PUB']);
});
