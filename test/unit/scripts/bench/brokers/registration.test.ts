import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registration, Registry } from '../../../../../scripts/bench/brokers/bundled-lookupd.ts';
import { helloBytes } from '../../../../../src/main/peers/lookupd/peer-info.ts';
import { ReplyParser } from '../../../../../src/main/peers/lookupd/reply-parser.ts';

const SELF = { broadcast_address: 'lookup.example', tcp_port: 4160 };
const HELLO = helloBytes({
  broadcastAddress: 'broker.example',
  hostname: 'host',
  httpPort: 4151,
  tcpPort: 4150,
  topologyRegion: '',
  topologyZone: '',
});

/** What a broker is told, as it reads it. */
function replies(bytes: readonly Buffer[]): string[] {
  const parsed = new ReplyParser(1000).push(Buffer.concat(bytes));
  if (parsed instanceof Error) throw parsed;
  return parsed.map(String);
}

function setUp(): { registry: Registry; registration: Registration } {
  const registry = new Registry();
  return { registry, registration: new Registration(registry, '127.0.0.1:5000', SELF) };
}

test('Registration: a broker is found by what it has registered, until it is gone', () => {
  const { registry, registration } = setUp();
  const commands = 'REGISTER orders\nREGISTER orders billing\nREGISTER news\nPING\n';

  const told = replies(registration.take(Buffer.concat([HELLO, Buffer.from(commands)])));

  assert.deepStrictEqual(told, [JSON.stringify(SELF), 'OK', 'OK', 'OK', 'OK']);
  assert.deepStrictEqual(registry.channelsOf('orders'), ['billing']);
  assert.deepStrictEqual(
    registry.producersOf('news').map((found) => [found.broadcast_address, found.tcp_port]),
    [['broker.example', 4150]],
  );

  registration.take(Buffer.from('UNREGISTER orders billing\nUNREGISTER news\n'));
  assert.deepStrictEqual(registry.channelsOf('orders'), []);
  assert.deepStrictEqual(registry.producersOf('news'), []);
  assert.equal(registry.producersOf('orders').length, 1);

  registration.end();
  assert.deepStrictEqual(registry.producersOf('orders'), []);
});

test('Registration: byte by byte it is the same', () => {
  const { registry, registration } = setUp();
  const bytes = Buffer.concat([HELLO, Buffer.from('REGISTER orders billing\n')]);

  const told = [...bytes].flatMap((byte) => registration.take(Buffer.of(byte)));

  assert.deepStrictEqual(replies(told), [JSON.stringify(SELF), 'OK']);
  assert.deepStrictEqual(registry.channelsOf('orders'), ['billing']);
});

test('Registration: what it does not know is answered, what is no broker is not', () => {
  const { registration } = setUp();

  const told = registration.take(Buffer.from('  V1REGISTER orders\nHELLO\n'));

  assert.deepStrictEqual(replies(told), [
    'E_INVALID client must IDENTIFY',
    'E_INVALID invalid command HELLO',
  ]);
  assert.throws(() => setUp().registration.take(Buffer.from('GET / HTTP/1.1\r\n')), {
    message: 'the protocol "GET " is not spoken here',
  });
});

test('Registry: a topic that two brokers have is on both, its channels together', () => {
  const registry = new Registry();
  const producers = [1, 2].map((port) => ({
    remote_address: '',
    hostname: '',
    broadcast_address: 'broker',
    tcp_port: port,
    http_port: 0,
    version: '',
  }));
  for (const producer of producers) {
    registry.add(producer);
    registry.register(producer, 'orders', 'shared');
  }
  registry.register(producers[1], 'orders', 'own');

  assert.deepStrictEqual(registry.producersOf('orders'), producers);
  assert.deepStrictEqual(registry.channelsOf('orders'), ['own', 'shared']);
});
