import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { BrokerProcess } from '../../scripts/kit/broker.ts';
import { BrokerSite } from '../support/broker-process.ts';
import { ask, topicStats } from '../support/broker-stats.ts';
import { Inbox } from '../support/inbox.ts';
import { openReader } from '../support/nsqjs.ts';

test('the walk-through of the readme', { timeout: 120_000 }, async (t) => {
  const site = new BrokerSite(t);
  const first = await site.start();

  // curl -d sends a form's content type, whatever the text is
  const published = await curl(first, '/pub?topic=greetings', 'hello world');
  const statistics = await ask(first, '/stats');
  const reader = readGreetings(t, first);
  const greeting = (await reader.received.atLeast(1))[0];
  reader.close();
  await curl(first, '/pub?topic=greetings', 'see you');
  await curl(first, '/pub?topic=greetings', 'later');
  const ending = await first.stop('SIGINT');
  const second = await site.start();
  const stats = await topicStats(second, 'greetings');
  const rest = await readGreetings(t, second).received.atLeast(2);

  assert.equal(published, 'OK');
  assert.match(statistics.text, /^ {3}\[greetings {6}\] depth: 1 /m);
  assert.equal(greeting, 'hello world');
  assert.deepEqual(ending, { code: 0, signal: null });
  assert.deepEqual(
    stats?.channels.map(({ channel_name }) => channel_name),
    ['test'],
  );
  assert.deepEqual([...rest].sort(), ['later', 'see you']);
});

async function curl(broker: BrokerProcess, path: string, body: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${broker.httpPort}${path}`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  return await response.text();
}

/** Prints what comes, so to say. */
function readGreetings(t: TestContext, broker: BrokerProcess) {
  const received = new Inbox<string>();
  const { reader } = openReader(t, broker, 'greetings', 'test', (message) => {
    received.put(message.body.toString());
    message.finish();
  });
  return { received, close: () => reader.close() };
}
