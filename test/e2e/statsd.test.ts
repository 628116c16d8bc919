import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { dpub, line, mpub } from '../../src/protocol/commands.ts';
import { BrokerSite } from '../support/broker-process.ts';
import { ask } from '../support/broker-stats.ts';
import { Journal } from '../support/journal.ts';
import { WireClient } from '../support/wire-client.ts';

/** Ends a test that hangs. */
const LIMIT = { timeout: 120_000 };
const HOUR_MS = 3_600_000;
const PACKET_BYTES_MAX = 200;
/** TransportRecorder with every report, after everything of the topics. */
const MEMORY_RUNS = /\.mem\.gc_runs:/;

test('statsd: is told of what was published and what there is', LIMIT, async (t) => {
  const { port, packets, lines } = await listen(t);
  const broker = await new BrokerSite(t).start({
    flags: [
      `--statsd-address=127.0.0.1:${port}`,
      '--statsd-interval=1.1s',
      '--statsd-prefix=test.%s',
      `--statsd-udp-packet-size=${PACKET_BYTES_MAX}`,
      '--broadcast-address=127.0.0.1',
    ],
  });
  const prefix = `test.127_0_0_1_${broker.httpPort}.`;
  const of = (name: string): string => `${prefix}topic.orders.${name}:`;
  await ask(broker, '/topic/create?topic=orders', null);
  await ask(broker, '/channel/create?topic=orders&channel=billing', null);
  const client = await WireClient.connect(t, broker, line('SUB', 'orders', 'billing'));
  client.send(line('RDY', 1), mpub('orders', ['12', '34', '56']), dpub('orders', HOUR_MS, '7890'));
  const texts = await client.texts(4);

  // One report may be under way; the next has everything, and the one after it shows that nothing is told twice.
  await lines.until(MEMORY_RUNS, lines.matching(MEMORY_RUNS).length + 3);

  assert.deepEqual(texts.sort(), ['OK', 'OK', 'OK', 'message: 12']);
  const told = (name: string): string[] =>
    lines.lines.filter((one) => one.startsWith(of(name))).map((one) => one.slice(of(name).length));
  assert.equal(total(told('message_count')), 4);
  assert.equal(total(told('message_bytes')), 10);
  assert.equal(total(told('channel.billing.message_count')), 4);
  assert.deepEqual(
    ['depth', 'in_flight_count', 'deferred_count', 'clients'].map((name) =>
      told(`channel.billing.${name}`).at(-1),
    ),
    ['2|g', '1|g', '1|g', '1|g'],
  );
  assert.ok(lines.lines.every((one) => one.startsWith(prefix)));
  assert.ok(lines.lines.every((one) => /:\d+\|[cg]$/.test(one)));
  assert.ok(packets.every((packet) => packet.length <= PACKET_BYTES_MAX && packet.endsWith('\n')));
});

test('statsd: nobody who listens is no trouble', LIMIT, async (t) => {
  const { port, close } = await listen(t);
  await close();
  const broker = await new BrokerSite(t).start({
    flags: [`--statsd-address=127.0.0.1:${port}`, '--statsd-interval=1.1s'],
  });
  await broker.logged(/STATSD: pushing stats to .*STATSD: pushing stats to /s);

  assert.deepEqual(await ask(broker, '/ping'), { status: 200, text: 'OK' });
  assert.deepEqual(await broker.stop(), { code: 0, signal: null });
});

/** A statsd that only keeps what it is told: packets, and their lines. */
async function listen(t: TestContext) {
  const socket = createSocket('udp4');
  const packets: string[] = [];
  const lines = new Journal();
  socket.on('message', (bytes) => {
    packets.push(bytes.toString());
    for (const one of bytes.toString().split('\n').slice(0, -1)) lines.add(one);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  let isClosed = false;
  const close = async (): Promise<void> => {
    if (isClosed) return;
    isClosed = true;
    socket.close();
    await once(socket, 'close');
  };
  t.after(close);
  return { port: socket.address().port, packets, lines, close };
}

/** Of counters' differences. */
function total(values: readonly string[]): number {
  return values.reduce((sum, value) => sum + Number.parseInt(value, 10), 0);
}
