import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LineSplitter, namedLine } from '../../../../src/companions/multi/line-splitter.ts';
import { mergedMetrics } from '../../../../src/companions/multi/merged-metrics.ts';
import { mergedStats } from '../../../../src/companions/multi/merged-stats.ts';
import { batchesOf } from '../../../../src/companions/multi/waiting-messages.ts';

function channel(name: string, depth: number, clients: object[], paused = false): object {
  return { channel_name: name, depth, clients, paused };
}

function latency(count: number, value: number): object {
  return { count, percentiles: [{ quantile: 0.99, value }] };
}

test('merged stats: counters are added, clients joined, and names are one', () => {
  const one = { client_id: 'a', ready_count: 7 };
  const two = { client_id: 'b', ready_count: 8 };
  const first = {
    version: '1.3.0',
    health: 'OK',
    start_time: 200,
    topics: [
      {
        topic_name: 'orders',
        channels: [channel('bill', 3, [one]), channel('ship', 1, [], true)],
        depth: 5,
        e2e_processing_latency: latency(10, 400),
      },
    ],
    producers: null,
  };
  const second = {
    version: '1.3.0',
    health: 'NOK - full',
    start_time: 100,
    topics: [
      { topic_name: 'mail', channels: [], depth: 2, e2e_processing_latency: latency(0, 0) },
      {
        topic_name: 'orders',
        channels: [channel('bill', 4, [two])],
        depth: 6,
        e2e_processing_latency: latency(20, 300),
      },
    ],
    producers: [one],
    refused_connection_count: 2,
  };

  const merged = mergedStats(
    [
      { name: 'broker-1', stats: first },
      { name: 'broker-2', stats: second },
    ],
    ['broker-3'],
  );

  assert.deepEqual(merged, {
    version: '1.3.0',
    health: 'NOK - broker-2: NOK - full; broker-3: no answer',
    start_time: 100,
    topics: [
      { topic_name: 'mail', channels: [], depth: 2, e2e_processing_latency: latency(0, 0) },
      {
        topic_name: 'orders',
        channels: [channel('bill', 7, [one, two]), channel('ship', 1, [], true)],
        depth: 11,
        e2e_processing_latency: latency(30, 400),
      },
    ],
    producers: [one],
    refused_connection_count: 2,
  });
});

test('merged stats: without any broker there is an answer, too', () => {
  assert.deepEqual(mergedStats([], ['broker-1']), {
    health: 'NOK - broker-1: no answer',
    start_time: 0,
  });
});

test('merged metrics: a family stays together, and each sample says whose it is', () => {
  const textOf = (value: number): string =>
    [
      '# HELP depth Messages.',
      '# TYPE depth gauge',
      `depth{topic="a"} ${value}`,
      '# HELP up Whether it serves.',
      '# TYPE up gauge',
      `up ${value}`,
      '',
    ].join('\n');

  const merged = mergedMetrics([
    { name: 'broker-1', text: textOf(1) },
    { name: 'broker-2', text: textOf(2) },
  ]);

  assert.equal(
    merged,
    `# HELP depth Messages.
# TYPE depth gauge
depth{broker="broker-1",topic="a"} 1
depth{broker="broker-2",topic="a"} 2
# HELP up Whether it serves.
# TYPE up gauge
up{broker="broker-1"} 1
up{broker="broker-2"} 2
`,
  );
});

test('lines of a process are told apart from pieces, and say whose they are', () => {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => lines.push(namedLine('broker-1', line)));

  for (const piece of ['one\ntw', 'o\n{"level":"info"}\nrest', '']) splitter.add(piece);
  splitter.end();

  assert.deepEqual(lines, [
    'broker-1: one\n',
    'broker-1: two\n',
    '{"broker":"broker-1","level":"info"}\n',
    'broker-1: rest\n',
  ]);
});

test('a line without an end comes in pieces', () => {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => lines.push(line));

  splitter.add('x'.repeat(70_000));

  assert.deepEqual(lines, ['x'.repeat(70_000)]);
});

test('batches fit a request, and a body that fits none is alone', () => {
  const sizes = [10, 10, 90, 200, 10];

  const batches = [
    ...batchesOf(
      sizes.map((size) => ({ body: Buffer.alloc(size) })),
      64,
    ),
  ];

  assert.deepEqual(
    batches.map((batch) => batch.map(({ body }) => body.length)),
    [[10, 10], [90], [200], [10]],
  );
});
