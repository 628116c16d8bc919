import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Format } from '../../../../../src/daemon/metrics/exposition.ts';
import { metricsText } from '../../../../../src/main/http/metrics/metrics-text.ts';
import { NamedQueues } from '../../../../../src/main/http/metrics/named-queues.ts';
import type { TopicStatistics } from '../../../../../src/main/stats/stats.ts';
import { nodeStatistics } from '../../../../support/node-statistics.ts';
import { channelStatistics, topicStatistics } from '../../../../support/statistics.ts';

async function textOf(
  topics: readonly TopicStatistics[],
  { format = 'text' as Format, queues = new NamedQueues(100) } = {},
): Promise<string> {
  const shown = await queues.divide(topics);
  return Buffer.concat([...metricsText(nodeStatistics(), shown, format)]).toString();
}

/** The samples of a metric, without its name. */
function samples(text: string, name: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .map((line) => line.slice(name.length));
}

function numbered(count: number, make: (name: string) => Partial<TopicStatistics> = () => ({})) {
  return Array.from({ length: count }, (_, index) => {
    const name = `t${index}`;
    return topicStatistics({ name, channels: [channelStatistics()], ...make(name) });
  });
}

test('metrics: topics and channels, each with its labels, under one head', async () => {
  const text = await textOf([
    topicStatistics({ name: 'a.b', messageCount: 7 }),
    topicStatistics({
      name: 'c#ephemeral',
      messageCount: 8,
      isPaused: true,
      channels: [channelStatistics({ name: 'x', timeoutCount: 9 })],
    }),
  ]);

  const at = text.indexOf('# HELP ringmq_topic_published_messages_total');
  assert.equal(
    text.slice(at, text.indexOf('# HELP', at + 1)),
    `# HELP ringmq_topic_published_messages_total Messages published to the topic.
# TYPE ringmq_topic_published_messages_total counter
ringmq_topic_published_messages_total{topic="a.b"} 7
ringmq_topic_published_messages_total{topic="c#ephemeral"} 8
`,
  );
  assert.deepStrictEqual(samples(text, 'ringmq_topic_paused'), [
    '{topic="a.b"} 0',
    '{topic="c#ephemeral"} 1',
  ]);
  assert.deepStrictEqual(samples(text, 'ringmq_channel_timed_out_messages_total'), [
    '{topic="c#ephemeral",channel="x"} 9',
  ]);
});

test('metrics: the broker as a whole', async () => {
  const text = await textOf([]);

  assert.deepStrictEqual(samples(text, 'ringmq_connections'), [
    '{protocol="tcp"} 11',
    '{protocol="http"} 12',
  ]);
  assert.deepStrictEqual(samples(text, 'ringmq_connections_limit'), [' +Inf']);
  assert.deepStrictEqual(samples(text, 'ringmq_thread_busy_seconds_total'), [
    '{thread="main"} 1.5',
    '{thread="pump-0"} 2.5',
    '{thread="disk-0"} 3.5',
  ]);
  assert.deepStrictEqual(samples(text, 'ringmq_ring_used_bytes'), [
    '{ring="publish",pump="0"} 30',
    '{ring="request",pump="0",disk="0"} 32',
  ]);
  assert.deepStrictEqual(samples(text, 'ringmq_topics'), [' 0']);
  assert.ok(!text.includes('ringmq_topic_depth'));
});

test('metrics: buckets of a histogram add up', async () => {
  const text = await textOf([]);

  const buckets = samples(text, 'ringmq_disk_sync_seconds_bucket');
  assert.deepStrictEqual(buckets.slice(0, 2), ['{le="0.00005"} 4', '{le="0.0001"} 8']);
  assert.deepStrictEqual(buckets.slice(-2), ['{le="1000"} 92', '{le="+Inf"} 96']);
  assert.deepStrictEqual(samples(text, 'ringmq_disk_sync_seconds_sum'), [' 6']);
  assert.deepStrictEqual(samples(text, 'ringmq_disk_sync_seconds_count'), [' 96']);
});

test('metrics: OpenMetrics names families without the ending, with units, and has an end', async () => {
  const text = await textOf([topicStatistics({ messageCount: 7 })], { format: 'openmetrics' });

  assert.ok(
    text.includes(`# TYPE ringmq_topic_published_messages counter
# UNIT ringmq_topic_published_messages messages
# HELP ringmq_topic_published_messages Messages published to the topic.
ringmq_topic_published_messages_total{topic="alpha"} 7
`),
  );
  assert.match(text, /# TYPE ringmq_build info\n# HELP .*\nringmq_build_info\{/);
  assert.match(text, /_bucket\{le="1000\.0"\}/);
  assert.ok(text.endsWith('\n# EOF\n'));
});

test('metrics: percentiles of processing latency in seconds, where there are some', async () => {
  const latency = { count: 3, percentiles: [{ quantile: 0.99, value: 1.5e9 }] };
  const text = await textOf([
    topicStatistics({ channels: [channelStatistics({ latency })] }),
    topicStatistics({ name: 'beta' }),
  ]);

  assert.ok(text.includes('# TYPE ringmq_channel_processing_latency_seconds summary\n'));
  assert.deepStrictEqual(samples(text, 'ringmq_channel_processing_latency_seconds'), [
    '{topic="alpha",channel="one",quantile="0.99"} 1.5',
  ]);
  assert.ok(!text.includes('ringmq_topic_processing_latency_seconds'));
});

test('metrics: beyond the bound topics and channels are summed, and it is said how many', async () => {
  const text = await textOf(numbered(5), { queues: new NamedQueues(3) });

  assert.deepStrictEqual(samples(text, 'ringmq_topic_depth_messages'), [
    '{topic="t0"} 1',
    '{topic="t1"} 1',
    '{topic="t2"} 1',
    '{topic="other"} 2',
  ]);
  assert.deepStrictEqual(samples(text, 'ringmq_channel_received_messages_total').slice(-2), [
    '{topic="t2",channel="one"} 5',
    '{topic="other",channel="other"} 10',
  ]);
  const counts = ['topics', 'channels', 'metrics_other_topics', 'metrics_other_channels'];
  assert.deepStrictEqual(
    counts.flatMap((name) => samples(text, `ringmq_${name}`)),
    [' 5', ' 5', ' 2', ' 2'],
  );
});

test('metrics: a topic with many channels has some by name, and the others are summed', async () => {
  const channels = ['a', 'b', 'c', 'd'].map((name) => channelStatistics({ name }));
  const text = await textOf([topicStatistics({ channels })], { queues: new NamedQueues(2) });

  assert.deepStrictEqual(samples(text, 'ringmq_channel_depth_messages'), [
    '{topic="alpha",channel="a"} 1',
    '{topic="alpha",channel="b"} 1',
    '{topic="other",channel="other"} 2',
  ]);
  assert.deepStrictEqual(samples(text, 'ringmq_topic_channels').at(0), '{topic="alpha"} 4');
});

test('metrics: where there are others, a topic of that name is one of them', async () => {
  const topics = [topicStatistics({ name: 'other', messageCount: 100 }), ...numbered(2)];
  const text = await textOf(topics, { queues: new NamedQueues(2) });

  assert.deepStrictEqual(samples(text, 'ringmq_topic_published_messages_total'), [
    '{topic="t0"} 3',
    '{topic="t1"} 3',
    '{topic="other"} 100',
  ]);
});

test('metrics: counters of the others never go back, whatever happens to them', async () => {
  const queues = new NamedQueues(1);
  const counts: string[] = [];
  const scrape = async (topics: readonly TopicStatistics[]): Promise<void> => {
    const text = await textOf(topics, { queues });
    counts.push(...samples(text, 'ringmq_topic_published_messages_total').slice(1));
  };
  const topic = (name: string, messageCount: number) => topicStatistics({ name, messageCount });
  await scrape([topic('a', 1), topic('b', 10), topic('c', 20)]);
  await scrape([topic('a', 1), topic('b', 15), topic('c', 20)]);
  // One is deleted; then it is there again; then all are named.
  await scrape([topic('a', 1), topic('b', 15)]);
  await scrape([topic('a', 1), topic('b', 16), topic('c', 3)]);
  await scrape([topic('a', 1), topic('b', 2), topic('c', 3)]);
  await scrape([topic('a', 1)]);

  assert.deepStrictEqual(counts, [
    '{topic="other"} 30',
    '{topic="other"} 35',
    '{topic="other"} 35',
    '{topic="other"} 39',
    '{topic="other"} 41',
    '{topic="other"} 41',
  ]);
});

test('metrics: counters of what nsqd does not do are there where /stats has them', async () => {
  const policyCounts = { dropped: 0, deadLetters: 3 };
  const takenCounts = { zone: 1, region: 0, global: 2 };
  const text = await textOf([
    topicStatistics({
      channels: [
        channelStatistics({ policyCounts, deadLetterCount: 3, takenCounts }),
        channelStatistics({ name: 'plain' }),
      ],
    }),
  ]);

  const of = (name: string): string[] => samples(text, `ringmq_channel_${name}`);
  const one = '{topic="alpha",channel="one"}';
  assert.deepStrictEqual(of('dropped_messages_total'), [`${one} 0`]);
  assert.deepStrictEqual(of('dead_letter_messages_total'), [`${one} 3`]);
  assert.deepStrictEqual(of('zone_local_messages_total'), [`${one} 1`]);
  assert.deepStrictEqual(of('global_messages_total'), [`${one} 2`]);
  assert.ok(!/expired|region_local|throttled/.test(text));
});

test('metrics: channels without lines of a metric take slices too', async () => {
  let looked = 0;
  let longest = 0;
  const channels = Array.from({ length: 20_000 }, (_, number) => ({
    ...channelStatistics({ name: `c${number}` }),
    get policyCounts() {
      looked++;
      return {};
    },
  }));
  const queues = await new NamedQueues(30_000).divide([topicStatistics({ channels })]);

  for (const _ of metricsText(nodeStatistics(), queues, 'text')) {
    longest = Math.max(longest, looked);
    looked = 0;
  }

  assert.ok(longest > 0 && longest <= 2 * 4096, `${longest} are looked at in one slice`);
});

test('metrics: a replicated topic says that its figures are those of all brokers', async () => {
  const topics = [
    topicStatistics({ name: 'a' }),
    topicStatistics({ name: 'r', isReplicated: true }),
  ];
  const text = await textOf(topics);

  assert.deepStrictEqual(samples(text, 'ringmq_topic_replicated'), ['{topic="r"} 1']);
});
