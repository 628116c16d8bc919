import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BrokerStats } from '../../../../../src/main/stats/stats.ts';
import { spareBuffers } from '../../../../../src/main/tcp/spare-buffers.ts';
import { RawClient, startApi } from '../../../../support/http-api.ts';
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

/** Statistics of this many topics, each with this depth; their lines take some MiB. */
function deep(depth: number): BrokerStats {
  const names = Array.from({ length: 200 }, (_, index) => `${index}-`.padEnd(2000, 'x'));
  return brokerStatistics(names.map((name) => topicStatistics({ name, depth })));
}

test('/metrics: an answer that is read slowly keeps its memory, which is used again afterwards', async (t) => {
  const { broker, port } = await startApi(t, { metricsTopicsMax: 1000 });
  broker.statistics = deep(111);
  const slow = await RawClient.connect(t, port);
  slow.socket.pause();
  slow.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n');
  while (broker.filters.length === 0) await nextTurn();
  broker.statistics = deep(222);
  const scrape = async (): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`);
    return response.text();
  };
  const meanwhile = await scrape();
  slow.socket.resume();
  const slowly = (await slow.answer())?.body ?? '';
  const spareBytes = spareBuffers.spareBytes;
  const again = await scrape();

  assert.deepStrictEqual([depths(slowly), depths(meanwhile)], [['111'], ['222']]);
  assert.equal(depths(again).join(), '222');
  assert.ok(spareBytes >= 2 * slowly.length, `${spareBytes} bytes of ${slowly.length}`);
});

/** The different depths that all of the topics have. */
function depths(text: string): string[] {
  const lines = text.split('\n').filter((line) => line.startsWith('ringmq_topic_depth_messages{'));
  assert.equal(lines.length, 200);
  return [...new Set(lines.map((line) => line.slice(line.indexOf('} ') + 2)))];
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
