import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { BrokerProcess } from '../../scripts/kit/broker.ts';
import { line, pub } from '../../src/protocol/commands.ts';
import { BrokerSite } from '../support/broker-process.ts';
import { ask, channelStats } from '../support/broker-stats.ts';
import { deadPort, FakeLookupd } from '../support/fake-lookupd.ts';
import { WireClient } from '../support/wire-client.ts';

const LIMIT = { timeout: 120_000 };
const REGISTRATION = /^(UN)?REGISTER /;

test('nsqlookupd: is told who the broker is, and what is created and deleted', LIMIT, async (t) => {
  const lookupd = await FakeLookupd.start(t);
  const broker = await startWith(t, lookupd.address);
  await lookupd.journal.until(/^IDENTIFY /);

  await post(broker, '/topic/create?topic=orders');
  await lookupd.journal.until(/^REGISTER orders$/);
  await post(broker, '/channel/create?topic=orders&channel=billing');
  await lookupd.journal.until(/^REGISTER orders billing$/);
  const consumer = await WireClient.connect(t, broker, line('SUB', 'orders', 'mine#ephemeral'));
  await lookupd.journal.until(/^REGISTER orders mine#ephemeral$/);
  consumer.reset();
  await lookupd.journal.until(/^UNREGISTER orders mine#ephemeral$/);
  await post(broker, '/channel/delete?topic=orders&channel=billing');
  await lookupd.journal.until(/^UNREGISTER orders billing$/);
  await post(broker, '/topic/delete?topic=orders');
  await lookupd.journal.until(/^UNREGISTER orders$/);

  const [connected, magic, identity] = lookupd.journal.lines;
  assert.deepEqual([connected, magic], ['connected', 'magic "  V1"']);
  const { hostname, ...rest } = JSON.parse(identity.slice('IDENTIFY '.length));
  assert.equal(typeof hostname, 'string');
  assert.deepEqual(rest, {
    broadcast_address: 'broker.example',
    http_port: broker.httpPort,
    tcp_port: broker.tcpPort,
    topology_region: '',
    topology_zone: '',
    version: '1.3.0',
  });
  assert.deepEqual(lookupd.journal.matching(REGISTRATION), [
    'REGISTER orders',
    'REGISTER orders billing',
    'REGISTER orders mine#ephemeral',
    'UNREGISTER orders mine#ephemeral',
    'UNREGISTER orders billing',
    'UNREGISTER orders',
  ]);
});

test('nsqlookupd: is told everything again after a reconnect', LIMIT, async (t) => {
  const lookupd = await FakeLookupd.start(t);
  const broker = await startWith(t, lookupd.address);
  // one after the other, so that nothing is still under way when the connection is lost
  await post(broker, '/topic/create?topic=alone');
  await lookupd.journal.until(/^REGISTER alone$/);
  await post(broker, '/topic/create?topic=orders');
  await lookupd.journal.until(/^REGISTER orders$/);
  await post(broker, '/channel/create?topic=orders&channel=billing');
  await lookupd.journal.until(/^REGISTER orders billing$/);
  await post(broker, '/channel/create?topic=orders&channel=shipping');
  await lookupd.journal.until(/^REGISTER orders shipping$/);

  lookupd.hangUp();
  // a change that it still tried to tell would have to wait for the next PING
  await broker.logged(/ERROR: LOOKUPD\(/);
  await post(broker, '/topic/create?topic=news');
  await lookupd.journal.until(/^connected$/, 2);
  const lines = await lookupd.journal.until(/^REGISTER news$/);

  const again = lines
    .slice(lines.lastIndexOf('connected'))
    .filter((told) => REGISTRATION.test(told));
  assert.deepEqual([...new Set(again)].sort(), [
    'REGISTER alone',
    'REGISTER news',
    'REGISTER orders billing',
    'REGISTER orders shipping',
  ]);
  assert.equal(lookupd.journal.matching(/^IDENTIFY /).length, 2);
});

test(
  'nsqlookupd: the channels that it knows get the first message of a new topic',
  LIMIT,
  async (t) => {
    const lookupd = await FakeLookupd.start(t);
    lookupd.channels = { orders: ['archive', 'billing', 'gone#ephemeral'] };
    const broker = await startWith(t, lookupd.address);
    await lookupd.journal.until(/^IDENTIFY /);

    const publisher = await WireClient.connect(t, broker, pub('orders', 'the first'));
    assert.equal(await publisher.nextText(), 'OK');
    await lookupd.journal.until(/^REGISTER orders billing$/);

    assert.deepEqual(await consumeOne(t, broker, 'archive'), ['OK', 'message: the first']);
    assert.deepEqual(await consumeOne(t, broker, 'billing'), ['OK', 'message: the first']);
    assert.equal(await channelStats(broker, 'orders', 'gone#ephemeral'), undefined);
    assert.equal(lookupd.journal.matching(/^GET \/channels\?topic=orders$/).length, 1);
  },
);

test(
  'nsqlookupd: one that is not there, or speaks nonsense, keeps nobody waiting',
  LIMIT,
  async (t) => {
    const nonsense = await FakeLookupd.start(t);
    nonsense.reply = () => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n');
    const good = await FakeLookupd.start(t);
    const broker = await startWith(
      t,
      `127.0.0.1:${await deadPort()}`,
      nonsense.address,
      good.address,
    );

    const publisher = await WireClient.connect(t, broker, pub('orders', 'one'));
    const published = await publisher.nextText();
    await good.journal.until(/^REGISTER orders$/);

    assert.equal(published, 'OK');
    assert.match(broker.log, /LOOKUPD\(127\.0\.0\.1:\d+\)/);
    assert.deepEqual(await broker.stop(), { code: 0, signal: null });
  },
);

test('nsqlookupd: the list can be changed while the broker runs', LIMIT, async (t) => {
  const first = await FakeLookupd.start(t);
  const second = await FakeLookupd.start(t);
  const broker = await startWith(t, first.address);
  await post(broker, '/topic/create?topic=orders');
  await first.journal.until(/^REGISTER orders$/);

  const response = await fetch(
    `http://127.0.0.1:${broker.httpPort}/config/nsqlookupd_tcp_addresses`,
    { method: 'PUT', body: JSON.stringify([second.address]) },
  );
  await first.journal.until(/^closed$/);
  await second.journal.until(/^REGISTER orders$/);

  assert.equal(response.status, 200);
});

function startWith(t: TestContext, ...addresses: readonly string[]): Promise<BrokerProcess> {
  const flags = addresses.map((address) => `--lookupd-tcp-address=${address}`);
  return new BrokerSite(t).start({ flags: ['--broadcast-address=broker.example', ...flags] });
}

async function post(broker: BrokerProcess, path: string): Promise<void> {
  assert.equal((await ask(broker, path, null)).status, 200, path);
}

async function consumeOne(
  t: TestContext,
  broker: BrokerProcess,
  channel: string,
): Promise<(string | null)[]> {
  const consumer = await WireClient.connect(t, broker, line('SUB', 'orders', channel));
  consumer.send(line('RDY', 1));
  return await consumer.texts(2);
}
