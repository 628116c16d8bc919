import assert from 'node:assert/strict';
import { test } from 'node:test';
import { graphiteGraphs } from '../../../../src/companions/admin/page/graphite-graphs.ts';

const OPTIONS = {
  graphiteUrl: 'http://graphite:8080/',
  proxyGraphite: false,
  statsdCounterFormat: 'stats.counters.%s.count',
  statsdGaugeFormat: 'stats.gauges.%s',
  statsdPrefix: 'nsq.%s',
  statsdIntervalMs: 60_000,
};

function targets(graphs: readonly { label: string; url: string }[]): string[][] {
  return graphs.map(({ label, url }) => [
    label,
    new URL(url, 'http://admin').searchParams.get('target') ?? '',
  ]);
}

test('graphiteGraphs: a topic over all brokers, counters as a rate', () => {
  const graphs = graphiteGraphs(OPTIONS, '', 'orders', undefined);

  assert.deepEqual(targets(graphs), [
    ['Waiting', 'summarize(sumSeries(stats.gauges.nsq.*.topic.orders.depth),"60sec","avg")'],
    [
      'On disk',
      'summarize(sumSeries(stats.gauges.nsq.*.topic.orders.backend_depth),"60sec","avg")',
    ],
    [
      'Messages',
      'scale(summarize(sumSeries(stats.counters.nsq.*.topic.orders.message_count.count),"60sec","avg"),0.016666666666666666)',
    ],
  ]);
  assert.match(graphs[0].url, /^http:\/\/graphite:8080\/render\?target=.*&from=-2h&until=-1min&/);
});

test('graphiteGraphs: names as statsd gets them, formats that are empty, a prefix with a dot', () => {
  const options = {
    ...OPTIONS,
    statsdGaugeFormat: '',
    statsdPrefix: 'mq.',
    statsdIntervalMs: 10_000,
  };

  const [first] = targets(graphiteGraphs(options, '', 'a.b#ephemeral', 'c-d#ephemeral'));

  assert.deepEqual(first, [
    'Waiting',
    'summarize(sumSeries(mq.topic.a.bephemeral.channel.c-dephemeral.depth),"10sec","avg")',
  ]);
});

test('graphiteGraphs: admin passes graphs on below its path; without graphite there are none', () => {
  const proxied = graphiteGraphs({ ...OPTIONS, proxyGraphite: true }, '/mq', 'orders', 'billing');
  const none = ['', 'javascript:alert(1)'].map((graphiteUrl) =>
    graphiteGraphs({ ...OPTIONS, graphiteUrl }, '', 'orders', undefined),
  );

  assert.equal(proxied.length, 7);
  assert.ok(proxied.every(({ url }) => url.startsWith('/mq/render?target=')));
  assert.deepEqual(none, [[], []]);
});
