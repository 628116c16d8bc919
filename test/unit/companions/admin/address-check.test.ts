import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { wrongAddresses } from '../../../../src/companions/admin/address-check.ts';
import { ADMIN_PROGRAM } from '../../../../src/companions/admin/admin-options.ts';
import { Upstream } from '../../../../src/companions/admin/upstream.ts';
import { LOOKUPD_PROGRAM } from '../../../../src/companions/lookupd/lookupd-options.ts';
import { parseProgramLine } from '../../../../src/daemon/options/program-line.ts';
import { SystemClock } from '../../../../src/shared/clock.ts';
import { fakeLookup, fakeNode } from '../../../support/admin-site.ts';
import { deadPort } from '../../../support/fake-lookupd.ts';
import { FakeServer } from '../../../support/fake-server.ts';
import { journalLogger } from '../../../support/journal.ts';

const CONTEXT = { hostname: 'machine', parallelism: 1, readFile: () => '' };

test('wrongAddresses: each address that is not what its flag says has its reason', async (t) => {
  const node = await fakeNode(t, 'a', []);
  const lookup = await fakeLookup(t, []);
  const web = await FakeServer.start(t, { '/topics': () => ({ status: 200, text: '<html>' }) });
  const other = await FakeServer.start(t, {
    '/topics': () => ({ status: 404, text: '{"message":"NOT_FOUND"}' }),
    '/info': () => ({ version: '1.3.0' }),
  });
  const tcp = createServer((socket) => {
    socket.on('error', () => undefined).end('E_BAD_PROTOCOL');
  });
  await once(tcp.listen(0, '127.0.0.1'), 'listening');
  t.after(() => void tcp.close());
  const tcpAddress = `127.0.0.1:${(tcp.address() as { port: number }).port}`;
  const dead = `127.0.0.1:${await deadPort()}`;
  const timeouts = { connectTimeoutMs: 5000, requestTimeoutMs: 5000 };
  const clock = new SystemClock();
  const upstream = new Upstream({ ...timeouts, tls: {}, clock }, journalLogger().logger);
  t.after(() => upstream.client.close());

  const mistakes = await wrongAddresses(upstream, {
    lookupd: [lookup.address, other.address, web.address, tcpAddress],
    nsqd: [node.address, other.address, dead],
  });

  const noLookupd =
    'it has no /topics, so it is not an nsqlookupd, whose HTTP port is usually 4161';
  const noNsqd = 'it has no /info, so it is not a broker, whose HTTP port is usually 4151';
  const [first, second, third, fourth, fifth] = mistakes;
  assert.equal(mistakes.length, 5, mistakes.join('\n'));
  assert.equal(first, `--lookupd-http-address ${other.address}: ${noLookupd}`);
  assert.equal(second, `--lookupd-http-address ${web.address}: ${noLookupd}`);
  assert.match(third, /: it does not answer in HTTP, so this may be a TCP port;/);
  assert.equal(fourth, `--nsqd-http-address ${other.address}: ${noNsqd}`);
  assert.match(fifth, /connection refused$/);
});

test('admin warns of URLs that nothing can be fetched from', () => {
  const words = [
    '--nsqd-http-address=h:1',
    '--graphite-url=graphite',
    '--notification-http-endpoint=h:1',
  ];
  const line = parseProgramLine(words, ADMIN_PROGRAM, CONTEXT);

  assert.ok(line.kind === 'run');
  assert.deepEqual(line.warnings, [
    '--graphite-url "graphite" is not a URL such as http://10.0.0.6:8080, so there are no graphs and rates',
    '--notification-http-endpoint "h:1" is not a URL such as http://10.0.0.6:8080, so there are no notifications',
  ]);
});

test('a wrong address of a companion has an example with its own port', () => {
  const [admin, lookupd] = [
    parseProgramLine(['--nsqd-http-address=h:1', '--http-address=h'], ADMIN_PROGRAM, CONTEXT),
    parseProgramLine(['--tcp-address=h'], LOOKUPD_PROGRAM, CONTEXT),
  ].map((line) => (line.kind === 'fatal' ? line.reason : line.kind));

  assert.match(admin, /such as 127\.0\.0\.1:4171,/);
  assert.match(lookupd, /such as 127\.0\.0\.1:4160,/);
});
