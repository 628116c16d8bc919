import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { ConnectionLimit } from '../../../../src/daemon/connection-limit.ts';
import { Logger } from '../../../../src/daemon/log.ts';
import { BodyMemory } from '../../../../src/main/limits/body-memory.ts';
import { TurnBudget } from '../../../../src/main/limits/turn-budget.ts';
import { Turn, TurnOutput } from '../../../../src/main/pumps/turn.ts';
import { Acknowledgements } from '../../../../src/main/stats/node-meters.ts';
import { Traffic } from '../../../../src/main/stats/traffic.ts';
import { ClientNumbers } from '../../../../src/main/tcp/client.ts';
import { Deadlines } from '../../../../src/main/tcp/deadlines.ts';
import { TcpServer } from '../../../../src/main/tcp/tcp-server.ts';
import { Publisher } from '../../../../src/main/topics/publisher.ts';
import { TopicMap } from '../../../../src/main/topics/topic-map.ts';
import { MAGIC, pub } from '../../../../src/protocol/commands.ts';
import { optionsWith } from '../../../support/broker-turns.ts';
import { parseFrames } from '../../../support/fake-socket.ts';
import { MainRings } from '../../../support/main-rings.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { NO_REGISTRY } from '../../../support/no-registry.ts';
import { strictGuard } from '../../../support/strict-guard.ts';
import { samePolicies } from '../../../support/topic-policies.ts';
import { wire } from '../../../support/wire.ts';

type Made = {
  readonly server: TcpServer;
  readonly log: string[];
};

/** A server over a pump that does not run, which is enough for publishes to memory. */
function makeServer(t: TestContext, connectionsMax = Number.POSITIVE_INFINITY): Made {
  const clock = new ManualClock();
  const log: string[] = [];
  const sink = {
    write: (line: string) => void log.push(line.slice(27, -1)),
    writeSync: () => undefined,
  };
  const topics = new TopicMap({
    atTurnEnd: () => undefined,
    clock: new ManualClock(),
    logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
    registry: NO_REGISTRY,
    pumps: [new MainRings().handle],
    policies: samePolicies(),
    onChange: () => undefined,
  });
  const logger = new Logger({ prefix: '', level: 'info', sink, clock });
  const limit = new ConnectionLimit(connectionsMax, clock, logger);
  const turn = new Turn(() => output.flush());
  const output = new TurnOutput(strictGuard(), () => turn.request());
  const server: TcpServer = new TcpServer(
    {
      options: optionsWith({}),
      topics,
      publisher: new Publisher(topics, new Acknowledgements(new ManualClock())),
      clock,
      deadlines: new Deadlines(clock),
      logger,
      guard: strictGuard(),
      bodies: new BodyMemory({ memberBytes: 1e9, guestBytes: 1e9 }, clock, logger),
      traffic: new Traffic(),
      budget: new TurnBudget(
        () => undefined,
        () => 0,
      ),
      tls: null,
      auth: null,
      httpPort: () => 4151,
      onPending: (connection) => output.add(connection),
      onLeft: () => undefined,
    },
    limit,
    new ClientNumbers(),
  );
  t.after(() => server.close());
  return { server, log };
}

async function startServer(
  t: TestContext,
  connectionsMax?: number,
): Promise<Made & { readonly port: number }> {
  const made = makeServer(t, connectionsMax);
  const { port } = await made.server.listen({ host: '127.0.0.1', port: 0 });
  return { ...made, port };
}

test('TcpServer: a client that half-closes gets its answers and then the end', async (t) => {
  const { server, port, log } = await startServer(t);
  const client = connect(port, '127.0.0.1');
  t.after(() => client.destroy());
  const received: Buffer[] = [];
  client.on('data', (chunk: Buffer) => received.push(chunk));

  client.end(wire(MAGIC, pub('t', 'a'), pub('t', 'b'), 'what\n'));
  await once(client, 'close');

  assert.deepStrictEqual(parseFrames(Buffer.concat(received)), [
    'response OK',
    'response OK',
    'error E_INVALID invalid command what',
  ]);
  assert.deepStrictEqual([...server.clients()], []);
  assert.match(log[0], /^INFO: TCP: new client\(127\.0\.0\.1:\d+\)$/);
});

test('TcpServer: every connection has a number of its own', async (t) => {
  const { server, port } = await startServer(t);
  const clients = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
  t.after(() => clients.map((client) => client.destroy()));
  for (const client of clients) {
    client.write(wire(MAGIC, pub('t', 'a')));
    await once(client, 'data');
  }

  const numbers = [...server.clients()].map(({ number }) => number);

  assert.deepStrictEqual(numbers, [1, 2]);
  assert.deepStrictEqual([server.get(1)?.number, server.get(3)], [1, undefined]);
});

test('TcpServer: close ends all connections without a frame', async (t) => {
  const { server, port } = await startServer(t);
  const client = connect(port, '127.0.0.1');
  t.after(() => client.destroy());
  client.write(wire(MAGIC, pub('t', 'a')));
  await once(client, 'data');
  const received: Buffer[] = [];
  client.on('data', (chunk: Buffer) => received.push(chunk));
  client.on('error', () => undefined);

  server.close();
  await once(client, 'close');

  assert.deepStrictEqual(received, []);
});

test('TcpServer: a port that is taken is an error of the system', async (t) => {
  const { port } = await startServer(t);
  const { server } = makeServer(t);

  await assert.rejects(server.listen({ host: '127.0.0.1', port }), { code: 'EADDRINUSE' });
});

test('TcpServer: a client beyond the limit is told so, and its place is given to the next', async (t) => {
  const { server, port, log } = await startServer(t, 1);
  const first = connect(port, '127.0.0.1');
  t.after(() => first.destroy());
  first.write(wire(MAGIC, pub('t', 'a')));
  await once(first, 'data');

  const refused = await talk(t, port, wire(MAGIC, pub('t', 'b')));
  const again = await talk(t, port, wire(MAGIC, pub('t', 'b')));
  first.end();
  await once(first, 'close');
  const last = connect(port, '127.0.0.1');
  t.after(() => last.destroy());
  last.write(wire(MAGIC, pub('t', 'c')));
  const [answer] = await once(last, 'data');

  const told = ['error E_TOO_MANY_CONNECTIONS there are 1 connections, which is the limit'];
  assert.deepStrictEqual([refused, again], [told, told]);
  assert.deepStrictEqual(parseFrames(answer), ['response OK']);
  assert.equal([...server.clients()].length, 1);
  assert.deepStrictEqual(
    log.filter((line) => line.startsWith('WARNING')),
    ['WARNING: TCP: refused a client - there are 1 connections, which is the limit'],
  );
});

/** What a client that sends these bytes is answered before it is closed. */
async function talk(t: TestContext, port: number, bytes: Buffer): Promise<string[]> {
  const client = connect(port, '127.0.0.1');
  t.after(() => client.destroy());
  const received: Buffer[] = [];
  client.on('data', (chunk: Buffer) => received.push(chunk));
  client.write(bytes);
  await once(client, 'close');
  return parseFrames(Buffer.concat(received));
}
