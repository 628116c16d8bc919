/** The programs of `examples/` do what they say, with a broker. */

import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { BrokerProcess } from '../../../scripts/kit/broker.ts';
import { BrokerSite } from '../../support/broker-process.ts';
import { ask, channelStats, topicStats, until } from '../../support/broker-stats.ts';
import { ExampleProgram } from '../../support/example-program.ts';

const LIMIT = { timeout: 120_000 };
/** Not every Node prints tests like this by default. */
const SPEC = { NODE_OPTIONS: '--test-reporter=spec' };

/** A broker, and how to start an example with it. */
async function exampleSite(t: TestContext): Promise<{
  broker: BrokerProcess;
  start: (name: string, env?: Record<string, string>) => ExampleProgram;
}> {
  const broker = await new BrokerSite(t).start();
  const nsqd = { NSQD: `127.0.0.1:${broker.tcpPort}` };
  return {
    broker,
    start: (name, env = {}) => new ExampleProgram(t, `examples/${name}.ts`, { ...nsqd, ...env }),
  };
}

/** A port that nobody has; another program may take it, which is unlikely. */
async function freePort(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return String(typeof address === 'object' ? address?.port : 0);
}

test('examples: what publish.ts publishes, consume.ts consumes', LIMIT, async (t) => {
  const { start } = await exampleSite(t);

  const publish = start('publish');
  await publish.succeeded();
  const consume = start('consume');
  await consume.output.until(/^billed order [12345],/, 5);
  const ending = await consume.stop('SIGINT');

  const billed = consume.output.matching(/^billed/).map((line) => line.slice(0, 14));
  assert.deepEqual(publish.output.lines, ['published 3 orders', 'published an order for later']);
  assert.deepEqual(
    billed.toSorted(),
    [1, 2, 3, 4, 5].map((id) => `billed order ${id}`),
  );
  assert.equal(consume.output.lines.at(-1), 'closed 5');
  assert.equal(ending.code, 0);
});

test('examples: http-ingestion.ts takes lines, and says when it cannot', LIMIT, async (t) => {
  const { broker, start } = await exampleSite(t);
  const port = await freePort();
  const ingestion = start('http-ingestion', { PORT: port });
  await ingestion.output.until(/^listening/);
  const url = `http://127.0.0.1:${port}/`;
  const lines = Array.from({ length: 1200 }, (_, index) => JSON.stringify({ index }));

  const good = await fetch(url, { method: 'POST', body: `${lines.join('\n')}\n` });
  const goodText = await good.text();
  const bad = await fetch(url, { method: 'POST', body: 'x'.repeat(2_000_000) });
  const ending = await ingestion.stop();

  const { message_count: count = 0 } = (await topicStats(broker, 'events')) ?? {};
  assert.deepEqual([good.status, goodText, count], [200, '1200\n', 1200]);
  assert.equal(bad.status, 500);
  assert.equal(ending.code, 0);
});

test('examples: retries-and-dead-letters.ts buries what fails three times', LIMIT, async (t) => {
  const { broker, start } = await exampleSite(t);
  await ask(broker, '/topic/create?topic=orders.dead', null);
  await ask(broker, '/pub?topic=orders', JSON.stringify({ id: 1, amount: 20 }));
  await ask(broker, '/pub?topic=orders', JSON.stringify({ id: 2, amount: -20 }));

  const worker = start('retries-and-dead-letters');
  await worker.output.until(/^buried/);
  const dead = await until(
    () => topicStats(broker, 'orders.dead'),
    (stats) => stats?.message_count === 1,
  );
  const channel = await until(
    () => channelStats(broker, 'orders', 'billing'),
    (stats) => stats?.in_flight_count === 0,
  );
  const ending = await worker.stop();

  assert.deepEqual(worker.output.lines.toSorted(), [
    'billed order 1',
    'buried {"id":2,"amount":-20}',
  ]);
  assert.equal(dead?.message_count, 1);
  assert.deepEqual([channel?.depth, channel?.requeue_count], [0, 2]);
  assert.equal(ending.code, 0);
});

test('examples: kubernetes.ts ends with nothing in flight', LIMIT, async (t) => {
  const { broker, start } = await exampleSite(t);
  const port = await freePort();
  const worker = start('kubernetes', { PORT: port });
  const ready = (): Promise<number> =>
    fetch(`http://127.0.0.1:${port}/ready`).then(
      ({ status }) => status,
      // it does not listen yet
      () => 0,
    );
  await until(ready, (status) => status === 200);
  for (let id = 0; id < 30; id++) await ask(broker, '/pub?topic=orders', `order ${id}`);
  await worker.output.until(/^begins/, 10);

  const ending = await worker.stop();
  const channel = await channelStats(broker, 'orders', 'billing');

  const begun = worker.output.matching(/^begins/).length;
  const done = worker.output.matching(/^is done/).length;
  assert.equal(worker.output.lines.at(-1), 'stopped with 0 in flight');
  assert.equal(begun, done);
  assert.deepEqual([channel?.depth, channel?.in_flight_count], [30 - done, 0]);
  assert.equal(ending.code, 0);
});

test(
  'examples: embedded-broker.test.ts is a test-suite with a broker of its own',
  LIMIT,
  async (t) => {
    const suite = new ExampleProgram(t, 'examples/embedded-broker.test.ts', SPEC);

    await suite.succeeded();

    const passed = suite.output.matching(/^✔ /).map((line) => line.replace(/ \(.*/, ''));
    assert.deepEqual(passed, [
      '✔ each order has a bill',
      '✔ an order that cannot be read is not billed',
    ]);
  },
);
