import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startApi } from '../../../../support/http-api.ts';
import {
  brokerStatistics,
  channelStatistics,
  topicStatistics,
} from '../../../../support/statistics.ts';

test('/metrics: plain text by default, OpenMetrics when asked', async (t) => {
  const { broker, port, statuses } = await startApi(t);
  broker.statistics = brokerStatistics([topicStatistics({ channels: [channelStatistics()] })]);
  const scrape = async (accept: string): Promise<[type: string | null, end: boolean]> => {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { accept } });
    const text = await response.text();
    return [response.headers.get('content-type'), text.endsWith('# EOF\n')];
  };

  const answers = [await scrape('*/*'), await scrape('application/openmetrics-text')];

  assert.deepStrictEqual(answers, [
    ['text/plain; version=0.0.4; charset=utf-8', false],
    ['application/openmetrics-text; version=1.0.0; charset=utf-8', true],
  ]);
  assert.deepStrictEqual(broker.filters, [
    { topic: undefined, channel: undefined, withClients: false },
    { topic: undefined, channel: undefined, withClients: false },
  ]);
  assert.deepStrictEqual(statuses, [200, 200]);
});

test('/metrics: shows as many by name as the option says', async (t) => {
  const { broker, port } = await startApi(t, { metricsTopicsMax: 1 });
  broker.statistics = brokerStatistics(['a', 'b', 'c'].map((name) => topicStatistics({ name })));

  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();

  const shown = text.split('\n').filter((line) => line.startsWith('ringmq_topic_depth_messages{'));
  assert.deepStrictEqual(shown, [
    'ringmq_topic_depth_messages{topic="a"} 1',
    'ringmq_topic_depth_messages{topic="other"} 2',
  ]);
});

test('/metrics: a scrape that succeeds is not in the log at level info', async (t) => {
  const { port, log } = await startApi(t);
  for (const path of ['/metrics', '/livez', '/readyz']) {
    await (await fetch(`http://127.0.0.1:${port}${path}`)).text();
  }

  assert.deepStrictEqual(log, []);
});
