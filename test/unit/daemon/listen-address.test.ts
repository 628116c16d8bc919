import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  type ListenAddress,
  listen,
  listenAt,
  parseListenAddress,
} from '../../../src/daemon/listen-address.ts';
import { InvalidValue } from '../../../src/daemon/options/invalid-value.ts';

const EXAMPLES =
  'write <host>:<port> such as 127.0.0.1:4150, or the path of a unix socket with a slash in it';

for (const [text, address] of [
  ['0.0.0.0:4150', { host: '0.0.0.0', port: 4150 }],
  [':4150', { host: '', port: 4150 }],
  ['[::1]:4150', { host: '::1', port: 4150 }],
  ['/run/ringmq.sock', { path: '/run/ringmq.sock' }],
  ['./nsqd.sock', { path: './nsqd.sock' }],
  ['run/a:b', { path: 'run/a:b' }],
  ['nsqd.sock', `has no port; ${EXAMPLES}`],
  ['17150', `has no port; ${EXAMPLES}`],
  ['localhost:415O', `has a port that is not a number, "415O"; ${EXAMPLES}`],
  ['127.0.0.1:99999', `has port 99999, and the highest is 65535; ${EXAMPLES}`],
  ['tcp://h:1', `is a URL, without which the host and port are enough; ${EXAMPLES}`],
] as const) {
  test(`parseListenAddress: ${JSON.stringify(text)}`, () => {
    const wanted = typeof address === 'string' ? new InvalidValue(address) : address;

    assert.deepStrictEqual(parseListenAddress(text), wanted);
  });
}

test('parseListenAddress: a path that no unix socket can have is refused', () => {
  const parsed = parseListenAddress(`/${'x'.repeat(200)}`);

  assert.ok(parsed instanceof InvalidValue);
  assert.match(parsed.why, /^is a path of 201 bytes; a unix socket's may have 10[37]$/);
});

for (const host of ['', '0.0.0.0', '::', '0:0:0:0:0:0:0:0']) {
  test(`listen: "${host}" is every address, of IPv4 and IPv6`, {
    skip: hasIpv6() ? false : 'there is no IPv6',
  }, async (t) => {
    const server = makeServer(t);

    const { text, port } = await listen(server, { host, port: 0 });

    assert.equal(text, `[::]:${port}`);
    assert.deepEqual(await Promise.all([reaches(port, '127.0.0.1'), reaches(port, '::1')]), [
      true,
      true,
    ]);
  });
}

test('listen: without IPv6 every address is every one of IPv4', async (t) => {
  const server = withoutIpv6(makeServer(t));

  const { text, port } = await listen(server, { host: '0.0.0.0', port: 0 });

  assert.equal(text, `0.0.0.0:${port}`);
  assert.equal(await reaches(port, '127.0.0.1'), true);
});

test('listen: a port that another has on IPv4 alone is in use', async (t) => {
  const { port } = await listen(makeServer(t), { host: '127.0.0.1', port: 0 });
  const server = makeServer(t);

  await assert.rejects(listen(server, { host: '0.0.0.0', port }), { code: 'EADDRINUSE' });
  assert.equal(server.listening, false);
});

test('listen: one address is only that one', async (t) => {
  const { text, port } = await listen(makeServer(t), { host: '127.0.0.1', port: 0 });

  assert.equal(text, `127.0.0.1:${port}`);
  assert.equal(await reaches(port, '::1'), false);
});

test('listen: of a name with addresses of both kinds IPv4 counts', async (t) => {
  const { text, port } = await listen(makeServer(t), { host: 'localhost', port: 0 });

  assert.equal(text, `127.0.0.1:${port}`);
});

test('listen: a path is a unix socket', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'ringmq-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const address: ListenAddress = { path: join(directory, 's') };

  const listening = await listen(makeServer(t), address);

  assert.deepEqual(listening, { text: address.path, port: -1 });
});

test('listenAt: logs the address, and names it with its option where it cannot be had', async (t) => {
  const log: string[] = [];
  const logger = { info: (text: string) => void log.push(text) };
  const listenOn = (address: ListenAddress): ReturnType<typeof listen> =>
    listen(makeServer(t), address);

  const port = await listenAt(logger, 'TCP', '127.0.0.1:0', listenOn);
  const second = listenAt(logger, 'HTTP', `127.0.0.1:${port}`, listenOn);

  await assert.rejects(second, {
    message: `listen (127.0.0.1:${port}) failed - address already in use; it is the address of --http-address`,
  });
  assert.deepEqual(log, [`TCP: listening on 127.0.0.1:${port}`]);
});

function makeServer(t: TestContext): Server {
  const server = createServer((socket) => socket.end());
  t.after(() => void server.close());
  return server;
}

/** The server as on a machine that has no IPv6. */
function withoutIpv6(server: Server): Server {
  const listenAnyway = server.listen.bind(server);
  server.listen = (...words: unknown[]): Server => {
    const [options, onListening] = words;
    if (Object(options).host === '::') {
      const error = Object.assign(new Error('listen EAFNOSUPPORT'), { code: 'EAFNOSUPPORT' });
      queueMicrotask(() => server.emit('error', error));
      return server;
    }
    // The two that it was called with.
    return Reflect.apply(listenAnyway, server, [options, onListening]);
  };
  return server;
}

async function reaches(port: number, host: string): Promise<boolean> {
  const socket = connect(port, host);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

function hasIpv6(): boolean {
  const addresses = Object.values(networkInterfaces()).flat();
  return addresses.some((address) => address?.address === '::1');
}
