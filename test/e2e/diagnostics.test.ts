import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { line, pub } from '../../src/protocol/commands.ts';
import { BrokerSite } from '../support/broker-process.ts';
import { ask } from '../support/broker-stats.ts';
import { WireClient } from '../support/wire-client.ts';

/** Loaded into the broker: logs every event as a line. */
const HOOK = `
import { isMainThread } from 'node:worker_threads';
import { subscribe } from 'node:diagnostics_channel';
for (const name of ['publish', 'deliver', 'finish', 'requeue', 'timeout']) {
  if (isMainThread) subscribe('ringmq.broker.' + name, (event) => {
    process.stderr.write('EVENT ' + name + ' ' + JSON.stringify(event) + '\\n');
  });
}
`;

test('diagnostics_channel: tells what happens to messages', { timeout: 120_000 }, async (t) => {
  const site = new BrokerSite(t);
  const hook = path.join(site.dataPath, 'hook.mjs');
  writeFileSync(hook, HOOK);
  const broker = await site.start({ nodeFlags: [`--import=${pathToFileURL(hook).href}`] });
  await ask(broker, '/topic/create?topic=orders', null);
  await ask(broker, '/channel/create?topic=orders&channel=billing', null);
  const producer = await WireClient.connect(t, broker, pub('orders', 'body'));
  assert.equal(await producer.nextText(), 'OK');
  const consumer = await WireClient.connect(t, broker, line('SUB', 'orders', 'billing'));
  assert.equal(await consumer.nextText(), 'OK');
  consumer.send(line('RDY', 1));
  const first = await consumer.nextMessage();
  consumer.send(line('REQ', first.id, 0));
  const second = await consumer.nextMessage();
  consumer.send(line('FIN', second.id));
  await broker.logged(/EVENT finish .*\n/);

  const events = [...broker.log.matchAll(/^EVENT (\w+) (.*)$/gm)].map(([, name, json]) => {
    const { client, ...event } = JSON.parse(json ?? '');
    if (name !== 'publish') assert.match(client, /^127\.0\.0\.1:\d+$/);
    return [name, event];
  });
  const about = { topic: 'orders', channel: 'billing' };
  const deliver = ['deliver', { ...about, count: 1, bytes: 38 }];
  assert.deepEqual(events, [
    ['publish', { topic: 'orders', count: 1, bytes: 8, delayMs: 0 }],
    deliver,
    ['requeue', { ...about, id: first.id.toString(), delayMs: 0 }],
    deliver,
    ['finish', { ...about, id: first.id.toString() }],
  ]);
});

test('diagnostics_channel: tells of timeouts', { timeout: 120_000 }, async (t) => {
  const site = new BrokerSite(t);
  const hook = path.join(site.dataPath, 'hook.mjs');
  writeFileSync(hook, HOOK);
  const broker = await site.start({
    flags: ['--msg-timeout=50ms'],
    nodeFlags: [`--import=${pathToFileURL(hook).href}`],
  });
  const consumer = await WireClient.connect(t, broker, line('SUB', 'orders', 'billing'));
  assert.equal(await consumer.nextText(), 'OK');
  await ask(broker, '/pub?topic=orders', 'body');
  consumer.send(line('RDY', 1));

  const [, json] = await broker.logged(/EVENT timeout (.*)\n/);

  assert.deepEqual(JSON.parse(json ?? ''), { topic: 'orders', channel: 'billing', count: 1 });
});
