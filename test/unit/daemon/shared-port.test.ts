import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { listen } from '../../../src/daemon/listen-address.ts';
import { SharedPort } from '../../../src/daemon/shared-port.ts';

const HOST = '127.0.0.1';
/** With so many, a system that divides connections leaves no port without any. */
const CONNECTIONS = 64;

test('SharedPort: the system divides connections, and gives none to a port that is closed', async (t) => {
  const { ports, counts, logger, logged } = sharedPorts(t);
  const [first, second] = ports;
  await first.listen(logger, { kind: 'TCP', address: `${HOST}:9`, port: 0 });
  const port = Number(logged[0].split(':').at(-1));
  await second.listen(logger, { kind: 'TCP', address: `${HOST}:9`, port });

  for (let count = 0; count < CONNECTIONS; count++) await answered(port);
  const both = [...counts];
  first.close();
  for (let count = 0; count < CONNECTIONS; count++) await answered(port);

  assert.deepEqual(logged, [`TCP: sharing ${HOST}:${port}`, `TCP: sharing ${HOST}:${port}`]);
  assert.equal(both[0] + both[1], CONNECTIONS);
  assert.ok(both.every((count) => count > 0));
  assert.deepEqual(counts, [both[0], both[1] + CONNECTIONS]);
});

/** Two ports that count their connections, and end them. */
function sharedPorts(t: TestContext) {
  const counts = [0, 0];
  const logged: string[] = [];
  const ports = counts.map((_, index) => {
    const onConnection = (socket: Socket): void => {
      counts[index]++;
      socket.end('bye');
    };
    return new SharedPort({}, onConnection, (error) => assert.fail(error));
  });
  t.after(() => {
    for (const shared of ports) shared.close();
  });
  return { ports, counts, logged, logger: { info: (text: string) => void logged.push(text) } };
}

async function answered(port: number): Promise<void> {
  const socket = connect(port, HOST);
  socket.resume();
  await once(socket, 'close');
}

test('SharedPort: a port that someone has alone is refused, and named', async (t) => {
  const server = createServer();
  t.after(() => server.close());
  const { port } = await listen(server, { host: HOST, port: 0 });
  const shared = new SharedPort(
    {},
    () => undefined,
    () => undefined,
  );
  const logger = { info: () => undefined };

  const listening = shared.listen(logger, { kind: 'HTTP', address: `${HOST}:1`, port });

  await assert.rejects(listening, {
    message: `listen (${HOST}:${port}) failed - address already in use; it is the port of --shared-http-port`,
  });
});
