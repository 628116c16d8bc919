import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { dpub, line, mpub, pub } from '../../src/protocol/commands.ts';
import { BrokerSite } from '../support/broker-process.ts';
import { ask, channelStats, until } from '../support/broker-stats.ts';
import { askSecurely, TlsSite } from '../support/tls-site.ts';
import { WireClient } from '../support/wire-client.ts';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
const LIMIT = { timeout: 120_000 };
/** Connections beyond the limit that HTTP may have. */
const HTTP_EXTRA = 16;

test('--max-connections: clients beyond it are refused until others leave', LIMIT, async (t) => {
  const broker = await new BrokerSite(t).start({ flags: ['--max-connections=2'] });
  const first = await WireClient.connect(t, broker, pub('t', 'a'));
  const second = await WireClient.connect(t, broker, pub('t', 'a'));
  assert.deepEqual([await first.nextText(), await second.nextText()], ['OK', 'OK']);

  const third = await WireClient.connect(t, broker, pub('t', 'a'));
  const refusal = await third.nextText();
  second.halfClose();
  await broker.logged(/closed client/);
  const fourth = await WireClient.connect(t, broker, pub('t', 'a'));
  const answer = await fourth.nextText();
  // HTTP has a few connections more, so that an operator can see what is going on.
  const ping = await ask(broker, '/ping');
  const stats = await ask(broker, '/stats?format=json');

  assert.match(
    refusal ?? '',
    /E_TOO_MANY_CONNECTIONS there are 2 connections, which is the limit$/,
  );
  assert.equal(answer, 'OK');
  assert.deepEqual(ping, { status: 200, text: 'OK' });
  assert.equal(JSON.parse(stats.text).refused_connection_count, 1);
});

test('--max-connections: HTTPS is closed when there are too many', LIMIT, async (t) => {
  const broker = await new TlsSite(t).start('--max-connections=1');
  const [, port] = await broker.logged(/HTTPS: listening on .*:(\d+)$/m);
  const idle = await connectMany(t, Number(port), 1 + HTTP_EXTRA);
  await connectMany(t, Number(port), 1);
  await broker.logged(/HTTP: refused a client/);

  await assert.rejects(askSecurely(broker, '/ping', { rejectUnauthorized: false }));
  for (const socket of idle) socket.destroy();
  const answered = async (): Promise<number> =>
    askSecurely(broker, '/ping', { rejectUnauthorized: false }).then(
      ({ status }) => status,
      (error: unknown) => {
        // The broker is gone with the test.
        if (t.signal.aborted) throw error;
        return 0;
      },
    );
  await until(answered, (status) => status === 200);

  assert.doesNotMatch(broker.log, /FATAL/);
});

test('a broker without descriptors refuses, and works again', LIMIT, async (t) => {
  if (process.platform === 'win32') return t.skip('there is no such limit');
  const site = new BrokerSite(t);
  const words = ['src/main/start.cjs', `--data-path=${site.dataPath}`, '--pump-threads=1'];
  const addresses = ['--tcp-address=127.0.0.1:0', '--http-address=127.0.0.1:0'];
  const limited = ['-c', 'ulimit -n 80 && exec "$@"', 'sh', process.execPath];
  const broker = site.adopt(
    spawn('sh', [...limited, ...words, ...addresses], {
      cwd: PROJECT,
      stdio: ['ignore', 'ignore', 'pipe'],
    }),
  );
  await broker.listening();
  const before = openFiles(broker.pid);

  const clients = await connectMany(t, broker.tcpPort, 300);
  await broker.logged(/TCP: refused a client|failed to accept TCP connection/);
  for (const client of clients) client.destroy();
  await until(
    async () => openFiles(broker.pid) ?? 0,
    (count) => count <= (before ?? 0),
  );
  const other = await WireClient.connect(t, broker, pub('t', 'a'));

  assert.equal(await other.nextText(), 'OK');
  assert.ok((broker.log.match(/refused a client|failed to accept/g) ?? []).length < 20);
});

test('--min-free-disk: publishes are refused, and what is there is consumed', LIMIT, async (t) => {
  const site = new BrokerSite(t);
  const earlier = await site.start();
  const publisher = await WireClient.connect(t, earlier, line('SUB', 't', 'c'));
  publisher.send(mpub('t', ['one', 'two']), pub('t', 'three'));
  assert.deepEqual(await publisher.texts(3), ['OK', 'OK', 'OK']);
  await earlier.stop();

  // No volume is ever free as a whole.
  const broker = await site.start({ flags: ['--min-free-disk=100%'] });
  const commands = [pub('t', 'x'), mpub('t', ['x']), dpub('t', 5, 'x'), pub('t#ephemeral', 'x')];
  const answers: (string | null)[] = [];
  for (const command of commands) {
    const client = await WireClient.connect(t, broker, command);
    answers.push(await client.nextText());
  }
  const overHttp = await ask(broker, '/pub?topic=t', 'x');
  const ping = await ask(broker, '/ping');
  const stats = await ask(broker, '/stats?format=json');
  const consumer = await WireClient.connect(t, broker, line('SUB', 't', 'c'), line('RDY', 10));
  assert.equal(await consumer.nextText(), 'OK');
  const bodies: string[] = [];
  for (let count = 0; count < 3; count++) {
    const { id, body } = await consumer.nextMessage();
    bodies.push(body.toString());
    consumer.send(line('FIN', id));
  }
  consumer.send(line('CLS'));
  await consumer.nextText();

  const reason =
    /(PUB failed|NOK -|"message":") ?[\d.]+[KMGT]iB are free on the volume of .* --min-free-disk=100%/;
  for (const answer of answers.slice(0, 3)) assert.match(answer ?? '', reason);
  assert.equal(answers[3], 'OK');
  assert.deepEqual([overHttp.status, ping.status], [503, 500]);
  assert.match(overHttp.text.replaceAll('\\"', ''), reason);
  assert.match(ping.text, reason);
  assert.match(JSON.parse(stats.text).health, reason);
  assert.deepEqual(bodies.sort(), ['one', 'three', 'two']);
  const left = await channelStats(broker, 't', 'c');
  assert.deepEqual([left?.depth, left?.in_flight_count], [0, 0]);
  assert.deepEqual(await broker.stop(), { code: 0, signal: null });
});

test('--max-memory: what cannot be kept is said', LIMIT, async (t) => {
  const broker = await new BrokerSite(t).start({ flags: ['--max-memory=1MiB'] });

  assert.match(
    broker.log,
    /WARNING: --max-memory=1MiB cannot be kept: the broker needs [\d.]+MiB\n/,
  );
});

/** Opens so many connections, whatever becomes of them. */
async function connectMany(t: TestContext, port: number, count: number): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    return socket;
  });
  t.after(() => sockets.map((socket) => socket.destroy()));
  await Promise.all(
    sockets.map((socket) => Promise.race([once(socket, 'connect'), once(socket, 'close')])),
  );
  return sockets;
}

/** Descriptors of a process, where the system tells. */
function openFiles(pid: number): number | undefined {
  return process.platform === 'linux' ? readdirSync(`/proc/${pid}/fd`).length : undefined;
}
