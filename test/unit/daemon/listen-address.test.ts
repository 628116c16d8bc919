import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { constants, networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  type ListenAddress,
  listen,
  listenAt,
  parseListenAddress,
} from '../../../src/daemon/listen-address.ts';
import { InvalidValue } from '../../../src/daemon/options/invalid-value.ts';
import { reaches } from '../../support/reaches.ts';

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
  ['tcp://h:1', `is a URL; it must be a host and a port alone; ${EXAMPLES}`],
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

test('listen: an IPv4 address in the form of IPv6 is that address', async (t) => {
  const { text, port } = await listen(makeServer(t), { host: '::FFFF:127.0.0.1', port: 0 });

  assert.equal(text, `127.0.0.1:${port}`);
});

for (const host of ['', '0.0.0.0', '::', '0:0:0:0:0:0:0:0', '::ffff:0.0.0.0']) {
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

for (const [path, why] of [
  ['none/s', 'the directory "DIR/none" does not exist'],
  ['file/s', '"DIR/file" is not a directory'],
  ['', 'it is a directory; a unix socket needs a name in it, such as DIR/ringmq.sock'],
  ['file', 'a file of this name is there, and a unix socket needs a free name'],
  ['socket', 'a socket of this name is there; if no program listens on it, remove it'],
]) {
  test(`listenAt: says what is wrong with the path ${JSON.stringify(path)}`, async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'ringmq-'));
    t.after(() => rmSync(directory, { recursive: true }));
    writeFileSync(join(directory, 'file'), '');
    await listen(makeServer(t), { path: join(directory, 'socket') });

    const given = join(directory, path);
    const reason = why.replace('DIR', directory);
    await assert.rejects(listenOnce(t, given), {
      message: `listen (${given}) failed - ${reason}; it is the address of --tcp-address`,
    });
  });
}

test('listenAt: names the network interfaces where one is unknown or missing', {
  skip: hasIpv6() ? false : 'there is no IPv6',
}, async (t) => {
  await assert.rejects(
    listenOnce(t, '[fe80::1%nope]:80'),
    /^Error: listen \(\[fe80::1%nope\]:80\) failed - this machine has no network interface "nope"; it has .*\blo/,
  );
  await assert.rejects(
    listenOnce(t, '[fe80::1]:4150'),
    /failed - a link-local address needs its network interface, such as \[fe80::1%eth0\];/,
  );
});

test('listenAt: what the system refuses is told in its words, without a call of Node', async () => {
  const refused = (code: string, errno: number): Promise<number> =>
    listenAt({ info: () => undefined }, 'TCP', '127.0.0.1:80', () =>
      Promise.reject(Object.assign(new Error(`listen ${code}: of Node`), { code, errno })),
    );

  await assert.rejects(refused('EACCES', -constants.errno.EACCES), {
    message:
      'listen (127.0.0.1:80) failed - permission denied: ports below 1024 are for root, or need CAP_NET_BIND_SERVICE; it is the address of --tcp-address',
  });
  await assert.rejects(refused('EINVAL', -constants.errno.EINVAL), {
    message: 'listen (127.0.0.1:80) failed - invalid argument; it is the address of --tcp-address',
  });
});

function listenOnce(t: TestContext, given: string): Promise<number> {
  const logger = { info: () => undefined };
  return listenAt(logger, 'TCP', given, (address) => listen(makeServer(t), address));
}

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

function hasIpv6(): boolean {
  const addresses = Object.values(networkInterfaces()).flat();
  return addresses.some((address) => address?.address === '::1');
}
