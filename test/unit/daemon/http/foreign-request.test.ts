import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  hostName,
  hostRefusal,
  originRefusal,
} from '../../../../src/daemon/http/foreign-request.ts';
import { RawClient, request, startApi } from '../../../support/http-api.ts';

const NAMES: ReadonlySet<string> = new Set(['broker.example']);

for (const [headers, isRefused] of [
  [{ host: 'b:4151' }, false],
  [{ host: 'b:4151', origin: 'http://b:4151' }, false],
  [{ host: 'B:4151', origin: 'http://b:4151' }, false],
  [{ host: 'b', origin: 'http://b' }, false],
  [{ host: 'b:80', origin: 'http://b' }, false],
  [{ host: 'b:443', origin: 'https://b' }, false],
  [{ host: '[::1]:4151', origin: 'http://[::1]:4151' }, false],
  [{ host: 'b:4151', 'sec-fetch-site': 'same-origin', origin: 'http://b:4151' }, false],
  [{ host: 'b:4151', 'sec-fetch-site': 'none' }, false],
  [{ host: 'b:4151', origin: 'http://evil.example' }, true],
  [{ host: 'b:4151', origin: 'http://b' }, true],
  [{ host: 'b:4151', origin: 'http://b:4152' }, true],
  [{ host: 'b:4151', origin: 'http://b.evil.example:4151' }, true],
  [{ host: 'b:4151', origin: 'null' }, true],
  [{ host: 'b:4151', origin: '' }, true],
  [{ origin: 'http://b' }, true],
  [{ host: 'b', origin: 'file://b' }, true],
  [{ host: 'b:4151', 'sec-fetch-site': 'cross-site' }, true],
  [{ host: 'b:4151', 'sec-fetch-site': 'same-site', origin: 'http://b:4151' }, true],
  [{ host: 'b:4151', 'sec-fetch-site': 'same-origin', origin: 'http://evil.example' }, true],
] as const) {
  test(`originRefusal: ${JSON.stringify(headers)} is ${isRefused ? 'refused' : 'obeyed'}`, () => {
    assert.equal(
      originRefusal({ headers })?.body,
      isRefused ? '{"message":"FOREIGN_ORIGIN"}' : undefined,
    );
  });
}

for (const [host, isRefused] of [
  [undefined, false],
  ['', false],
  ['127.0.0.1:4151', false],
  ['[::1]:4151', false],
  ['::1', false],
  ['localhost:4151', false],
  ['a.localhost', false],
  ['broker', false],
  ['Broker.Example.:4151', false],
  ['evil.example:4151', true],
  ['127.0.0.1.evil.example', true],
  ['localhost.evil.example', true],
] as const) {
  test(`hostRefusal: ${host} is ${isRefused ? 'refused' : 'answered'}`, () => {
    const headers = host === undefined ? {} : { host };

    assert.equal(
      hostRefusal({ headers }, NAMES)?.body,
      isRefused ? '{"message":"FOREIGN_HOST"}' : undefined,
    );
  });
}

test('hostName: an invalid port stays', () => {
  assert.equal(hostName('a:b'), 'a:b');
});

test('HttpApi: another site neither publishes nor takes a snapshot, but reads what it cannot see', async (t) => {
  const { broker, port } = await startApi(t);
  const statuses: (number | undefined)[] = [];

  for (const what of [
    'POST /pub?topic=t',
    'POST /topic/create?topic=t',
    'PUT /config/log_level',
    'GET /debug/pprof/heap',
    'GET /%64ebug/pprof/heap',
    'GET /ping',
  ]) {
    const client = await RawClient.connect(t, port);
    client.write(
      `${what} HTTP/1.1\r\nHost: x\r\nOrigin: http://evil.example\r\nContent-Length: 1\r\n\r\nx`,
    );
    statuses.push((await client.answer())?.status);
  }

  assert.deepEqual(statuses, [403, 403, 403, 403, 403, 200]);
  assert.deepEqual(broker.calls, []);
});

test('HttpApi: a name that points to this machine reads nothing', async (t) => {
  const { port, log } = await startApi(t);
  const client = await RawClient.connect(t, port);

  client.write('GET /stats HTTP/1.1\r\nHost: evil.example\r\n\r\n');
  const answer = await client.answer();
  client.write('GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const local = await client.answer();

  assert.deepEqual([answer?.body, local?.body], ['{"message":"FOREIGN_HOST"}', 'OK']);
  assert.match(log[0], /^INFO: 403 GET \/stats /);
});

test('HttpApi: the name under which the broker is announced is one of its own', async (t) => {
  const { port } = await startApi(t, { broadcastAddress: 'broker.example' });
  const client = await RawClient.connect(t, port);

  client.write('GET /ping HTTP/1.1\r\nHost: broker.example:4151\r\n\r\n');

  assert.equal((await client.answer())?.body, 'OK');
});

for (const [given, what, wanted] of [
  [{ debugHttp: 'off' }, 'GET /debug/pprof/cmdline', 404],
  [{ debugHttp: 'off' }, 'PUT /debug/setblockrate?rate=1', 404],
  [{ debugHttp: 'always' }, 'GET /debug/pprof/cmdline', 200],
  [{}, 'GET /debug/pprof/cmdline', 200],
  [{ configHttp: 'off' }, 'GET /config/log_level', 404],
  [{ configHttp: 'off' }, 'PUT /config/log_level', 404],
  [{ configHttp: 'loopback' }, 'GET /config/log_level', 200],
] as const) {
  test(`access: ${what} with ${JSON.stringify(given)} is ${wanted}`, async (t) => {
    const { port } = await startApi(t, given);

    assert.equal((await request(t, port, what)).status, wanted);
  });
}

test('originRefusal: a page that a proxy serves under a known name is obeyed, whatever host the proxy asks for', () => {
  const hosts = new Set(['admin.example']);
  const from = (origin: string, site: string) =>
    originRefusal({ headers: { host: '10.0.0.1', origin, 'sec-fetch-site': site } }, hosts)?.status;

  assert.equal(from('https://admin.example', 'same-origin'), undefined);
  assert.equal(from('https://admin.example', 'cross-site'), 403);
  assert.equal(from('https://evil.example', 'same-origin'), 403);
  assert.equal(from('null', 'same-origin'), 403);
});
