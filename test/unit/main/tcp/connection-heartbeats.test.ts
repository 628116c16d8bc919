import assert from 'node:assert/strict';
import { test } from 'node:test';
import { identify, MAGIC, pub } from '../../../../src/protocol/commands.ts';
import { BrokerTurns } from '../../../support/broker-turns.ts';
import type { FakeSocket } from '../../../support/fake-socket.ts';
import { wire } from '../../../support/wire.ts';

const HEARTBEAT = 'response _heartbeat_';

async function clientOf(broker: BrokerTurns, bytes: Buffer): Promise<FakeSocket> {
  const client = broker.connect();
  client.send(bytes);
  await broker.turns();
  client.frames();
  return client;
}

test('Connection: an idle client gets a heartbeat at 30 s and is closed at 60 s', async () => {
  const broker = new BrokerTurns();
  const client = await clientOf(broker, wire(MAGIC));
  const seen: unknown[] = [];
  for (const byMs of [29_999, 1, 29_999, 1]) {
    await broker.advance(byMs);
    seen.push([client.frames(), client.hasEnded]);
  }

  assert.deepStrictEqual(seen.slice(0, 3), [
    [[], false],
    [[HEARTBEAT], false],
    [[], false],
  ]);
  assert.deepStrictEqual([client.hasEnded, client.frames()], [true, []]);
});

test('Connection: a client that sends nothing at all stays, and gets nothing', async () => {
  const broker = new BrokerTurns();
  const client = await clientOf(broker, wire('  V'));

  await broker.advance(3_600_000);

  assert.deepStrictEqual(
    [client.frames(), client.hasEnded, client.isDestroyed],
    [[], false, false],
  );
});

test('Connection: heartbeats and the deadline count from the magic', async () => {
  const broker = new BrokerTurns();
  const client = await clientOf(broker, wire('  V'));
  await broker.advance(100_000);
  client.send('2');
  await broker.turns();

  await broker.advance(30_000);

  assert.deepStrictEqual([client.frames(), client.hasEnded], [[HEARTBEAT], false]);
});

test('Connection: any command puts the deadline off', async () => {
  const broker = new BrokerTurns();
  const client = await clientOf(broker, wire(MAGIC));
  for (let round = 0; round < 5; round++) {
    await broker.advance(50_000);
    client.send('NOP\n');
    await broker.turns();
  }
  const before = client.hasEnded;

  await broker.advance(60_000);

  assert.deepStrictEqual([before, client.hasEnded], [false, true]);
});

test('Connection: half a command does not put the deadline off', async () => {
  const broker = new BrokerTurns();
  const client = await clientOf(broker, wire(MAGIC));
  await broker.advance(50_000);
  client.send('NO');
  await broker.turns();
  await broker.advance(9999);
  const before = client.hasEnded;

  await broker.advance(1);

  assert.deepStrictEqual([before, client.hasEnded], [false, true]);
});

test('Connection: the deadline inside a body is answered with an error', async () => {
  const broker = new BrokerTurns();
  const client = await clientOf(broker, wire(MAGIC, pub('t', 'abc').subarray(0, -1)));
  await broker.advance(30_000);
  client.frames();

  await broker.advance(30_000);

  const error = 'error E_BAD_MESSAGE PUB failed to read message body';
  assert.deepStrictEqual([client.frames().at(-1), client.hasEnded], [error, true]);
});

test('Connection: an interval that was asked for counts from then on', async () => {
  const broker = new BrokerTurns();
  const client = await clientOf(broker, wire(MAGIC));
  await broker.advance(20_000);
  client.send(identify({ heartbeat_interval: 1000 }));
  await broker.turns();
  client.frames();
  await broker.advance(1000);
  const before = [client.frames(), client.hasEnded];

  await broker.advance(1000);

  assert.deepStrictEqual([before, client.hasEnded], [[[HEARTBEAT], false], true]);
});

test('Connection: without heartbeats there is no deadline', async () => {
  const broker = new BrokerTurns();
  const client = await clientOf(broker, wire(MAGIC, identify({ heartbeat_interval: -1 })));

  await broker.advance(3_600_000);

  assert.deepStrictEqual([client.frames(), client.hasEnded], [[], false]);
});

test('Connection: a second IDENTIFY moves the deadline, not the heartbeats', async () => {
  const broker = new BrokerTurns();
  const first = identify({ heartbeat_interval: 5000 });
  const second = identify({ heartbeat_interval: 60_000 });
  const client = await clientOf(broker, wire(MAGIC, first, second));

  await broker.advance(119_999);

  assert.deepStrictEqual(
    [client.frames(), client.hasEnded],
    [Array<string>(23).fill(HEARTBEAT), false],
  );
});

test('Connection: a second IDENTIFY may shorten the deadline', async () => {
  const broker = new BrokerTurns();
  const second = identify({ heartbeat_interval: 1000 });
  const client = await clientOf(broker, wire(MAGIC, identify({}), second));

  await broker.advance(2000);

  assert.deepStrictEqual([client.frames(), client.hasEnded], [[], true]);
});

test('Connection: a second IDENTIFY without heartbeats takes only the deadline away', async () => {
  const broker = new BrokerTurns();
  const first = identify({ heartbeat_interval: 10_000 });
  const second = identify({ heartbeat_interval: -1 });
  const client = await clientOf(broker, wire(MAGIC, first, second));

  await broker.advance(95_000);

  assert.deepStrictEqual(
    [client.frames(), client.hasEnded],
    [Array<string>(9).fill(HEARTBEAT), false],
  );
});

test('Connection: a client whose socket takes nothing from one heartbeat to the next is cut off', async () => {
  const broker = new BrokerTurns();
  const client = await clientOf(broker, wire(MAGIC));
  client.isStalled = true;
  await broker.advance(30_000);
  client.send('NOP\n');
  await broker.turns();
  const before = client.isDestroyed;

  await broker.advance(30_000);

  assert.deepStrictEqual([before, client.isDestroyed, broker.closed], [false, true, [1]]);
  assert(broker.log.includes('ERROR: client(127.0.0.1:50000) - write timed out'));
});

test('Connection: while a pump has no room the deadline does not count', async () => {
  const broker = new BrokerTurns({}, { publishBytes: 128 * 1024 });
  broker.isPumpRunning = false;
  const publishes = Array.from({ length: 2000 }, () => pub('t', 'x'.repeat(100)));
  const client = await clientOf(broker, wire(MAGIC, ...publishes));
  await broker.advance(300_000);
  const before = [client.isPaused, client.hasEnded];

  broker.isPumpRunning = true;
  await broker.turns();

  assert.deepStrictEqual(before, [true, false]);
  assert.deepStrictEqual([client.isPaused, client.hasEnded], [false, false]);
});

test('Connection: a client that is gone leaves no timer', async () => {
  const broker = new BrokerTurns();
  const client = await clientOf(broker, wire(MAGIC));
  client.socket.destroy();
  await broker.turns();

  await broker.advance(120_000);

  assert.deepStrictEqual([broker.clock.timerCount, client.errors], [0, []]);
});

test('Connection: messages time out by the first IDENTIFY, whatever a later one says', async () => {
  const broker = new BrokerTurns();
  const settings = [identify({ msg_timeout: 1000 }), identify({ msg_timeout: 30_000 })];
  const client = await clientOf(
    broker,
    wire(MAGIC, ...settings, pub('t', 'x'), 'SUB t c\nRDY 1\n'),
  );

  await broker.advance(1000);

  assert.equal(client.frames().length, 1);
});
