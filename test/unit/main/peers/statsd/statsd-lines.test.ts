import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type StatsdReport,
  statsdLines,
} from '../../../../../src/main/peers/statsd/statsd-lines.ts';
import type { MemoryStatistics } from '../../../../../src/main/stats/memory-statistics.ts';
import type { TopicStatistics } from '../../../../../src/main/stats/stats.ts';
import {
  brokerStatistics,
  channelStatistics,
  MEMORY,
  topicStatistics,
} from '../../../../support/statistics.ts';

const FORMAT = { prefix: 'p.', excludesEphemeral: false };

function report(topics: TopicStatistics[] | null, memory?: MemoryStatistics): StatsdReport {
  return { stats: brokerStatistics(topics), memory };
}

/** The values of the lines whose names end so. */
function values(lines: readonly string[], nameEnd: string): number[] {
  const ending = lines.filter((line) => line.split(':')[0].endsWith(nameEnd));
  return ending.map((line) => Number(/:(-?\d+)\|/.exec(line)?.[1]));
}

test('statsdLines: a topic with a channel, in order', () => {
  const lines = statsdLines(
    report([topicStatistics({ channels: [channelStatistics()] })]),
    undefined,
    FORMAT,
  );

  assert.deepStrictEqual(lines, [
    'p.topic.alpha.message_count:3|c\n',
    'p.topic.alpha.message_bytes:4|c\n',
    'p.topic.alpha.depth:1|g\n',
    'p.topic.alpha.backend_depth:2|g\n',
    'p.topic.alpha.channel.one.message_count:5|c\n',
    'p.topic.alpha.channel.one.depth:1|g\n',
    'p.topic.alpha.channel.one.backend_depth:2|g\n',
    'p.topic.alpha.channel.one.in_flight_count:3|g\n',
    'p.topic.alpha.channel.one.deferred_count:4|g\n',
    'p.topic.alpha.channel.one.requeue_count:6|c\n',
    'p.topic.alpha.channel.one.timeout_count:7|c\n',
    'p.topic.alpha.channel.one.clients:8|g\n',
  ]);
});

test('statsdLines: memory comes last', () => {
  const topics = [topicStatistics()];
  const lines = statsdLines(report(topics, { ...MEMORY, gcTotalRuns: 11 }), report([], MEMORY), {
    ...FORMAT,
    prefix: '',
  });

  assert.deepStrictEqual(lines.slice(4), [
    'mem.heap_objects:1|g\n',
    'mem.heap_idle_bytes:2|g\n',
    'mem.heap_in_use_bytes:3|g\n',
    'mem.heap_released_bytes:4|g\n',
    'mem.gc_pause_usec_100:5|g\n',
    'mem.gc_pause_usec_99:6|g\n',
    'mem.gc_pause_usec_95:7|g\n',
    'mem.next_gc_bytes:8|g\n',
    'mem.gc_runs:2|c\n',
  ]);
});

test('statsdLines: counters are what came since the last report', () => {
  const before = channelStatistics({ messageCount: 10, requeueCount: 2, timeoutCount: 3 });
  const after = channelStatistics({ messageCount: 15, requeueCount: 2, timeoutCount: 4 });
  const last = report([
    topicStatistics({ messageCount: 10, messageBytes: 100, channels: [before] }),
  ]);
  const now = report([topicStatistics({ messageCount: 12, messageBytes: 130, channels: [after] })]);

  const lines = statsdLines(now, last, FORMAT);

  assert.deepStrictEqual(
    ['message_count', 'message_bytes', 'requeue_count', 'timeout_count'].map((name) =>
      values(lines, name),
    ),
    [[2, 5], [30], [0], [1]],
  );
});

test('statsdLines: a topic that was created again counts from zero, as do its channels', () => {
  const last = report([
    topicStatistics({ messageCount: 10, messageBytes: 1, channels: [channelStatistics()] }),
  ]);
  const now = report([
    topicStatistics({ messageCount: 9, messageBytes: 90, channels: [channelStatistics()] }),
  ]);

  const lines = statsdLines(now, last, FORMAT);

  assert.deepStrictEqual(values(lines, 'topic.alpha.message_count'), [9]);
  assert.deepStrictEqual(values(lines, 'message_bytes'), [90]);
  assert.deepStrictEqual(values(lines, 'one.message_count'), [5]);
});

test('statsdLines: a channel that was created again counts from zero', () => {
  const last = report([topicStatistics({ channels: [channelStatistics({ timeoutCount: 9 })] })]);
  const now = report([topicStatistics({ channels: [channelStatistics({ timeoutCount: 1 })] })]);

  const lines = statsdLines(now, last, FORMAT);

  assert.deepStrictEqual(values(lines, 'one.message_count'), [5]);
  assert.deepStrictEqual(values(lines, 'timeout_count'), [1]);
});

test('statsdLines: a topic is not mistaken for the channel whose name it spells', () => {
  const spelling = topicStatistics({ name: 'alpha.channel.one', messageCount: 100 });
  const before = [topicStatistics({ channels: [channelStatistics()] }), spelling];
  const after = [
    topicStatistics({ channels: [channelStatistics({ messageCount: 6 })] }),
    { ...spelling, messageCount: 107 },
  ];

  const lines = statsdLines(report(after), report(before), FORMAT);

  assert.deepStrictEqual(values(lines, 'alpha.channel.one.message_count'), [1, 7]);
});

test('statsdLines: ephemeral topics and channels are left out when that is wanted', () => {
  const channels = [
    channelStatistics({ name: 'c#ephemeral' }),
    channelStatistics({ name: 'kept' }),
  ];
  const topics = [
    topicStatistics({ channels }),
    topicStatistics({ name: 'gone#ephemeral', channels }),
  ];

  const all = statsdLines(report(topics), undefined, FORMAT);
  const kept = statsdLines(report(topics), undefined, { ...FORMAT, excludesEphemeral: true });

  assert.deepStrictEqual([all.length, kept.length], [40, 12]);
  assert.deepStrictEqual(
    kept.filter((line) => line.includes('ephemeral')),
    [],
  );
});

test('statsdLines: percentiles follow the levels of their topic and their channel', () => {
  const latency = (value: number): TopicStatistics['latency'] => ({
    count: 1,
    percentiles: [
      { quantile: 1, value },
      { quantile: 0.999, value: value + 0.9 },
      { quantile: 0.125, value: 0 },
      { quantile: 0.005, value: 0 },
    ],
  });
  const channels = [channelStatistics({ latency: latency(7) })];
  const topic = topicStatistics({ channels, latency: latency(5) });

  const lines = statsdLines(report([topic]), undefined, FORMAT);

  assert.deepStrictEqual(lines.slice(4, 8), [
    'p.topic.alpha.e2e_processing_latency_100:5|g\n',
    'p.topic.alpha.e2e_processing_latency_100:5|g\n',
    'p.topic.alpha.e2e_processing_latency_12:0|g\n',
    'p.topic.alpha.e2e_processing_latency_0:0|g\n',
  ]);
  assert.equal(lines.at(-4), 'p.topic.alpha.channel.one.e2e_processing_latency_100:7|g\n');
});

test('statsdLines: without topics there is nothing', () => {
  assert.deepStrictEqual(statsdLines(report(null), undefined, FORMAT), []);
});

test('statsdLines: what policies have had done is counted only where there is any', () => {
  const of = (dropped?: number, expired?: number): StatsdReport => {
    const channels = [channelStatistics({ policyCounts: countsOf({ dropped: expired }) })];
    const topics = [topicStatistics({ channels, policyCounts: countsOf({ dropped }) })];
    return { stats: brokerStatistics(topics), memory: undefined };
  };
  const countsOf = ({ dropped }: { dropped: number | undefined }): { dropped?: number } =>
    dropped === undefined ? {} : { dropped };

  const unbounded = statsdLines(of(), undefined, FORMAT);
  const first = statsdLines(of(5, 7), undefined, FORMAT);
  const second = statsdLines(of(6, 10), of(5, 7), FORMAT);

  assert.deepStrictEqual(values(unbounded, 'dropped_count'), []);
  assert.deepStrictEqual(values(first, 'dropped_count'), [5, 7]);
  assert.deepStrictEqual(values(second, 'dropped_count'), [1, 3]);
});
