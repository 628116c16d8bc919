import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import type { BrokerStats } from '../../../../src/main/stats/stats.ts';
import { RawClient, request, startApi } from '../../../support/http-api.ts';
import { brokerStatistics, topicStatistics } from '../../../support/statistics.ts';

const ASK = 'GET /stats?format=json HTTP/1.1\r\nHost: x\r\n\r\n';
const MIB = 2 ** 20;

/** Statistics of topics with long names that take this many MiB. */
function large(mib: number): BrokerStats {
  const topics = Array.from({ length: 16 * mib }, (_, index) => {
    return topicStatistics({ name: `${index}-`.padEnd(MIB / 16, 'x') });
  });
  return brokerStatistics(topics);
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test('stats: a large answer comes whole', async (t) => {
  const { broker, port } = await startApi(t);
  broker.statistics = large(2);

  const response = await fetch(`http://127.0.0.1:${port}/stats?format=json`);
  const body = await response.text();

  const { topics } = JSON.parse(body);
  assert.equal(response.headers.get('content-length'), `${body.length}`);
  assert.deepEqual(
    topics.map(({ topic_name }: { topic_name: string }) => topic_name),
    broker.statistics.topics?.map(({ name }) => name),
  );
});

test('stats: those who ask the same while an answer is being made are answered together', async (t) => {
  const { broker, port } = await startApi(t);
  const { promise, resolve } = Promise.withResolvers<void>();
  broker.stats = async (filter) => {
    broker.filters.push(filter);
    await promise;
    return broker.statistics;
  };
  const clients: RawClient[] = [];
  for (let index = 0; index < 10; index++) {
    const client = await RawClient.connect(t, port);
    client.write(ASK);
    clients.push(client);
    while (broker.filters.length === 0) await nextTurn();
  }
  const other = await RawClient.connect(t, port);
  other.write('GET /stats?topic=t HTTP/1.1\r\nHost: x\r\n\r\n');

  resolve();
  const answers = await Promise.all([...clients, other].map((client) => client.answer()));

  assert.ok(answers.every((answer) => answer?.status === 200));
  assert.ok(broker.filters.length < clients.length, `${broker.filters.length} were made`);
  assert.deepEqual(
    broker.filters.filter(({ topic }) => topic === 't'),
    [{ topic: 't', channel: undefined, withClients: true }],
  );
});

test('stats: a client that does not read its answer is disconnected when others wait', async (t) => {
  const { broker, clock, log, port } = await startApi(t);
  broker.statistics = large(24);
  const stuck = await RawClient.connect(t, port);
  stuck.socket.pause();
  stuck.write(ASK);
  while (broker.filters.length === 0) await nextTurn();
  broker.statistics = brokerStatistics();
  const other = await RawClient.connect(t, port);
  other.write('GET /stats?topic=t HTTP/1.1\r\nHost: x\r\n\r\n');
  let hasAnswer = false;
  const answered = other.answer().then(() => {
    hasAnswer = true;
  });

  while (!hasAnswer) {
    clock.advance(100);
    await nextTurn();
  }
  await answered;

  assert.match(log.join('\n'), /disconnected HTTP client 127\.0\.0\.1:\d+: others wait/);
});

test('stats: a connection that does not take its answer is not read from', async (t) => {
  const { broker, port } = await startApi(t);
  broker.statistics = large(12);
  const client = await RawClient.connect(t, port);
  client.socket.pause();
  client.write(ASK + ASK);
  while (broker.filters.length === 0) await nextTurn();
  await request(t, port, 'GET /ping');
  const before = broker.filters.length;
  let bytes = 0;

  client.socket.removeAllListeners('data');
  client.socket.on('data', (text: string) => {
    bytes += text.length;
  });
  client.socket.resume();
  while (bytes < 24 * MIB) await once(client.socket, 'data');

  assert.deepEqual([before, broker.filters.length], [1, 2]);
});
