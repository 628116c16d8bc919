import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConnectionLimit } from '../../../../src/daemon/connection-limit.ts';
import { closingAnswer } from '../../../../src/daemon/http/answer.ts';
import { HttpServer } from '../../../../src/daemon/http/http-server.ts';
import { UnfinishedHeads } from '../../../../src/daemon/http/unfinished-heads.ts';
import { Logger } from '../../../../src/daemon/log.ts';
import { RawClient, request, startApi } from '../../../support/http-api.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { strictGuard } from '../../../support/strict-guard.ts';

/** Connections beyond the limit that HTTP may have. */
const HTTP_EXTRA = 16;
const PING = 'GET /ping HTTP/1.1\r\nHost: x\r\n\r\n';
const BAD_REQUEST =
  'HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 15\r\n' +
  'Connection: close\r\n\r\n400 Bad Request';

function makeServer(): HttpServer {
  const sink = { write: () => undefined, writeSync: () => undefined };
  const clock = new ManualClock();
  const logger = new Logger({ prefix: '', level: 'info', sink, clock });
  const limit = new ConnectionLimit(10, clock, logger);
  return new HttpServer({
    handle: ({ response }) => response.end(),
    refuseConnect: () => closingAnswer(405),
    clock,
    limit,
    heads: new UnfinishedHeads(clock, logger),
    guard: strictGuard(),
    tls: null,
  });
}

for (const garbage of [
  'nonsense\r\n\r\n',
  '  V2',
  '\x16\x03\x01\x00\xa5\x01\x00',
  'GET /ping HTTP/1.1\r\nHost x\r\n\r\n',
  'POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n',
  'POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
]) {
  test(`HttpServer: ${JSON.stringify(garbage)} is a bad request`, async (t) => {
    const { port } = await startApi(t);
    const client = await RawClient.connect(t, port);

    client.write(garbage);
    const answer = await client.end();

    assert.equal(answer, BAD_REQUEST);
  });
}

test('HttpServer: a request without a host is a bad request', async (t) => {
  const { port } = await startApi(t);
  const client = await RawClient.connect(t, port);

  client.write('GET /ping HTTP/1.1\r\n\r\n');
  const answer = await client.answer();

  assert.equal(answer?.status, 400);
});

for (const [head, line] of [
  ['GET /ping HTTP/1.1\r\n', '400 Bad Request: missing required Host header'],
  ['GET /ping HTTP/1.1\r\nHost: a b\r\n', '400 Bad Request: malformed Host header'],
  ['GET /ping HTTP/1.1\r\nHost: a\r\nHost: a\r\n', '400 Bad Request'],
  [
    'GET /ping HTTP/2.0\r\nHost: x\r\n',
    '505 HTTP Version Not Supported: unsupported protocol version',
  ],
  ['GET /ping\r\n', '400 Bad Request'],
  ['GET http://[::1/ping HTTP/1.1\r\nHost: x\r\n', '400 Bad Request'],
  ['GET http://a%zz/ping HTTP/1.1\r\nHost: x\r\n', '400 Bad Request'],
]) {
  test(`HttpServer: ${JSON.stringify(head)} is answered "${line}"`, async (t) => {
    const { port } = await startApi(t);
    const client = await RawClient.connect(t, port);

    client.write(`${head}\r\n`);
    const answer = await client.end();

    assert.equal(answer.split('\r\n')[0], `HTTP/1.1 ${line}`);
    assert.equal(answer.split('\r\n').at(-1), line);
  });
}

for (const target of ['http://x/ping', 'http://user@[::1]:80/ping?a=/b', 'HTTP://x:/ping']) {
  test(`HttpServer: ${target} is the path of a URL`, async (t) => {
    const { port } = await startApi(t);
    const client = await RawClient.connect(t, port);

    client.write(`GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`);

    assert.equal((await client.answer())?.body, 'OK');
  });
}

test('HttpServer: a path with a bad escape is a bad request', async (t) => {
  const { port } = await startApi(t);
  const client = await RawClient.connect(t, port);

  client.write('GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n');
  const answer = await client.end();

  assert.match(answer, /^HTTP\/1.1 400 Bad Request\r\n.*\r\n\r\n400 Bad Request$/s);
});

test('HttpServer: a client beyond the limit is answered that there are too many', async (t) => {
  const { port, log } = await startApi(t, {}, { connectionsMax: 1 });
  const clients: RawClient[] = [];
  for (let count = 0; count < 1 + HTTP_EXTRA; count++) {
    clients.push(await RawClient.connect(t, port));
  }
  // One answer to the last shows that the server knows of all of them.
  clients[HTTP_EXTRA].write(PING);
  await clients[HTTP_EXTRA].answer();
  const refused = await RawClient.connect(t, port);

  refused.write(PING);
  const answer = await refused.answer();
  const rest = await refused.end();
  clients[0].write(PING);
  const known = await clients[0].answer();

  assert.deepEqual(
    [answer?.status, answer?.headers['connection'], answer?.body, rest],
    [503, 'close', '{"message":"TOO_MANY_CONNECTIONS"}', ''],
  );
  assert.equal(known?.status, 200);
  assert.deepEqual(
    log.filter((line) => line.includes('refused')),
    ['WARNING: HTTP: refused a client - there are 17 connections, which is the limit'],
  );
});

test('HttpServer: a connection that closes makes room', async (t) => {
  const { port } = await startApi(t, {}, { connectionsMax: 1 - HTTP_EXTRA });
  const first = await RawClient.connect(t, port);
  first.write(PING);
  await first.answer();
  const refused = await RawClient.connect(t, port);
  refused.write(PING);
  const before = await refused.answer();

  first.socket.destroy();
  let status = 503;
  while (status === 503) status = (await request(t, port, 'GET /ping')).status;

  assert.deepEqual([before?.status, status], [503, 200]);
});

test('HttpServer: a refused client that asks nothing is cut off', async (t) => {
  const { port, log, clock } = await startApi(t, {}, { connectionsMax: -HTTP_EXTRA });
  const client = await RawClient.connect(t, port);
  while (log.length === 0) await new Promise((next) => setImmediate(next));

  clock.advance(1000);

  assert.equal(await client.end(), '');
});

test('HttpServer: too large a header is answered 431', async (t) => {
  const { port } = await startApi(t);
  const client = await RawClient.connect(t, port);

  client.write(`GET /ping HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`);
  const answer = await client.end();

  assert.match(answer, /^HTTP\/1.1 431 Request Header Fields Too Large\r\n/);
});

test('HttpServer: a header of 60 KB is taken', async (t) => {
  const { port } = await startApi(t);
  const client = await RawClient.connect(t, port);

  client.write(`GET /ping HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(60_000)}\r\n\r\n`);
  const answer = await client.answer();

  assert.equal(answer?.status, 200);
});

test('HttpServer: goes on serving others while one sends garbage without end', async (t) => {
  const { port } = await startApi(t);
  const bad = await RawClient.connect(t, port);
  const good = await RawClient.connect(t, port);

  for (let count = 0; count < 100; count += 1) bad.write('\0'.repeat(10_000));
  good.write(PING);
  const answer = await good.answer();
  await bad.end();

  assert.equal(answer?.body, 'OK');
});

test('HttpServer: what came before garbage is answered first', async (t) => {
  const { broker, port } = await startApi(t);
  const { promise, resolve } = Promise.withResolvers<void>();
  broker.gate = promise;
  const client = await RawClient.connect(t, port);

  client.write(`POST /topic/create?topic=t HTTP/1.1\r\nHost: x\r\n\r\n${PING}nonsense\r\n\r\n`);
  while (broker.calls.length === 0) await new Promise((next) => setImmediate(next));
  resolve();
  const answers = [await client.answer(), await client.answer()];

  assert.deepEqual(
    answers.map((answer) => answer?.body),
    ['', 'OK'],
  );
  assert.equal(await client.end(), BAD_REQUEST);
});

for (const before of ['', PING, 'POST /topic/create?topic=u HTTP/1.1\r\nHost: x\r\n\r\n']) {
  test(`HttpServer: a body that is not HTTP is a bad request after ${JSON.stringify(before)}`, async (t) => {
    const { broker, port } = await startApi(t);
    broker.topics.set('t', new Set());
    const client = await RawClient.connect(t, port);

    client.write(
      `${before}POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\nzz\r\n`,
    );
    if (before !== '') await client.answer();
    const answer = await client.answer();

    assert.deepEqual([answer?.status, answer?.body], [400, '400 Bad Request']);
    assert.equal(await client.end(), '');
    assert.deepEqual(
      broker.calls.filter((call) => call.startsWith('publish')),
      [],
    );
  });
}

test('HttpServer: a body that was refused and then is not HTTP ends the connection', async (t) => {
  const { port } = await startApi(t, { maxMsgSize: 2 });
  const client = await RawClient.connect(t, port);

  client.write(
    'POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n',
  );
  const answer = await client.answer();
  client.write('zz\r\n');
  await client.end();

  assert.equal(answer?.status, 413);
});

test('HttpServer: pipelined requests see the effects of those before them', async (t) => {
  const { broker, port } = await startApi(t);
  const client = await RawClient.connect(t, port);
  const post = (path: string): string =>
    `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx`;

  client.write(
    post('/topic/create?topic=t') +
      post('/channel/create?topic=t&channel=c') +
      post('/pub?topic=t'),
  );
  client.write(PING);
  const answers = [];
  for (let count = 0; count < 4; count += 1) answers.push((await client.answer())?.status);

  assert.deepEqual(answers, [200, 200, 200, 200]);
  assert.deepEqual(broker.calls, ['createTopic t', 'createChannel t c', 'publish t 1 0 ["x"]']);
});

test('HttpServer: a pipelined body that comes in parts is read when its turn comes', async (t) => {
  const { broker, port } = await startApi(t);
  const { promise, resolve } = Promise.withResolvers<void>();
  broker.gate = promise;
  broker.topics.set('t', new Set());
  const client = await RawClient.connect(t, port);

  await client.writeParts([
    'POST /topic/create?topic=u HTTP/1.1\r\nHost: x\r\n\r\nPOST /pub?topic=t HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe',
    'llo',
    PING,
  ]);
  resolve();
  const answers = [];
  for (let count = 0; count < 3; count += 1) answers.push((await client.answer())?.body);

  assert.deepEqual(answers, ['', 'OK', 'OK']);
  assert.deepEqual(broker.calls, ['createTopic u', 'publish t 1 0 ["hello"]']);
});

test('HttpServer: a body without a reader is dropped', async (t) => {
  const { port } = await startApi(t, { maxMsgSize: 10 });
  const client = await RawClient.connect(t, port);

  client.write(
    `POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n${'x'.repeat(300_000)}`,
  );
  client.write(PING);
  const answers = [await client.answer(), await client.answer()];

  assert.deepEqual(
    answers.map((answer) => answer?.status),
    [413, 200],
  );
});

test('HttpServer: HEAD is refused without a body', async (t) => {
  const { port } = await startApi(t);
  const client = await RawClient.connect(t, port);

  client.write('HEAD /ping HTTP/1.1\r\nHost: x\r\n\r\n');
  const answer = await client.answer('HEAD');
  client.write(PING);
  const next = await client.answer();

  assert.deepEqual(
    [answer?.status, answer?.headers['allow'], next?.body],
    [405, 'GET, OPTIONS', 'OK'],
  );
});

for (const [request, isOpen] of [
  [PING, true],
  ['GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', false],
  ['GET /ping HTTP/1.0\r\n\r\n', false],
  ['GET http://x/ping HTTP/1.1\r\nHost: x\r\n\r\n', true],
  ['GET /%70ing HTTP/1.1\r\nHost: x\r\n\r\n', true],
] as const) {
  test(`HttpServer: ${JSON.stringify(request)} leaves the connection ${isOpen ? 'open' : 'closed'}`, async (t) => {
    const { port } = await startApi(t);
    const client = await RawClient.connect(t, port);

    client.write(request);
    const first = await client.answer();
    client.write(PING);
    const second = await client.answer();

    assert.deepEqual([first?.body, second?.body], ['OK', isOpen ? 'OK' : undefined]);
  });
}

test('HttpServer: an upgrade is not taken up', async (t) => {
  const { port } = await startApi(t);
  const client = await RawClient.connect(t, port);

  client.write('GET /ping HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n');
  const answer = await client.answer();

  assert.equal(answer?.body, 'OK');
});

test('HttpServer: a handler that throws is answered INTERNAL_ERROR and logged', async (t) => {
  const { broker, log, port } = await startApi(t);
  broker.health = () => {
    throw new Error('boom');
  };
  const client = await RawClient.connect(t, port);

  client.write(PING);
  const answer = await client.answer();

  assert.deepEqual([answer?.status, answer?.body], [500, '{"message":"INTERNAL_ERROR"}']);
  assert.match(log[0], /^INFO: 500 GET \/ping /);
  assert.match(
    log[1],
    /^ERROR: panic in HTTP handler - HTTP client 127\.0\.0\.1:\d+ - Error: boom at /,
  );
});

test('HttpServer: closing the listener answers what was asked, and then closes', async (t) => {
  const { broker, port, server } = await startApi(t);
  const { promise, resolve } = Promise.withResolvers<void>();
  broker.gate = promise;
  const busy = await RawClient.connect(t, port);
  const idle = await RawClient.connect(t, port);

  idle.write(PING);
  await idle.answer();
  busy.write('POST /topic/create?topic=t HTTP/1.1\r\nHost: x\r\n\r\n');
  while (broker.calls.length === 0) await new Promise((next) => setImmediate(next));
  server.closeListener();
  await idle.end();
  resolve();
  const answer = await busy.answer();
  busy.write(PING);
  await busy.end();

  assert.equal(answer?.status, 200);
  await assert.rejects(RawClient.connect(t, port), { code: 'ECONNREFUSED' });
});

test('HttpServer: stopping closes all connections, and may be done twice', async (t) => {
  const { broker, port, server } = await startApi(t);
  broker.gate = new Promise(() => undefined);
  const silent = await RawClient.connect(t, port);
  const busy = await RawClient.connect(t, port);
  const begun = await RawClient.connect(t, port);

  begun.write('POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe');
  busy.write('POST /topic/create?topic=t HTTP/1.1\r\nHost: x\r\n\r\n');
  while (broker.calls.length === 0) await new Promise((next) => setImmediate(next));
  await server.stop();
  await server.stop();

  assert.deepEqual(await Promise.all([silent.end(), busy.end(), begun.end()]), ['', '', '']);
});

test('HttpServer: an address in use is an error of the system', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  t.after(() => other.close());
  await once(other, 'listening');
  const { port } = Object(other.address());

  const started = makeServer().start({ host: '127.0.0.1', port });

  await assert.rejects(started, { code: 'EADDRINUSE' });
});

test('HttpServer: listens on a unix socket', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'ringmq-http-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'http.sock');
  const server = makeServer();
  t.after(() => server.stop());

  const { text, port } = await server.start({ path });
  const socket = connect(path);
  socket.write(PING);
  const [bytes] = await once(socket, 'data');
  socket.destroy();

  assert.deepEqual([text, port], [path, -1]);
  assert.match(String(bytes), /^HTTP\/1.1 200 OK\r\n/);
});

test('HttpServer: as many header fields as fit 64 KiB are taken', async (t) => {
  const { port } = await startApi(t);
  const client = await RawClient.connect(t, port);
  const fields = Array.from({ length: 4000 }, (_, index) => `x${index}: v\r\n`).join('');

  client.write(`GET /ping HTTP/1.1\r\nHost: x\r\n${fields}\r\n`);
  const answer = await client.answer();

  assert.equal(answer?.status, 200);
});

test('HttpServer: a client of HTTP/1.0 is answered in HTTP/1.0, and the connection closed', async (t) => {
  const { port } = await startApi(t);
  const client = await RawClient.connect(t, port);

  client.write('GET /ping HTTP/1.0\r\n\r\n');
  const answer = await client.end();

  assert.match(answer, /^HTTP\/1\.0 200 OK\r\n.*\r\nConnection: close\r\n\r\nOK$/s);
});

test('HttpServer: a client of HTTP/1.0 that asks for it keeps its connection', async (t) => {
  const { port } = await startApi(t);
  const client = await RawClient.connect(t, port);
  const ping = 'GET /ping HTTP/1.0\r\nConnection: keep-alive\r\n\r\n';

  client.write(ping);
  const first = await client.answer();
  client.write(ping);
  const second = await client.answer();

  assert.deepEqual([first?.headers['connection'], second?.body], ['keep-alive', 'OK']);
});

for (const [path, status, body, allow] of [
  ['/ping', 405, '{"message":"METHOD_NOT_ALLOWED"}', 'GET, OPTIONS'],
  ['/pub?topic=t', 405, '{"message":"METHOD_NOT_ALLOWED"}', 'OPTIONS, POST'],
  ['/', 404, '{"message":"NOT_FOUND"}', undefined],
  ['elsewhere:443', 404, '{"message":"NOT_FOUND"}', undefined],
] as const) {
  test(`HttpServer: CONNECT to ${path} is answered ${status}, behind what was asked before`, async (t) => {
    const { port } = await startApi(t);
    const client = await RawClient.connect(t, port);

    client.write(`${PING}CONNECT ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    const before = await client.answer();
    const answer = await client.answer();

    assert.equal(before?.status, 200);
    assert.deepEqual(
      [answer?.status, answer?.body, answer?.headers['connection'], answer?.headers['allow']],
      [status, body, 'close', allow],
    );
    assert.equal(await client.end(), '');
  });
}

for (const [head, version] of [
  ['GET /ping HTTP/1.1\r\nHost: x\r\nExpect: foo\r\n\r\n', '1.1'],
  ['GET /ping HTTP/1.0\r\nExpect: foo\r\n\r\n', '1.0'],
  ['POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nExpect: foo\r\nContent-Length: 1\r\n\r\na', '1.1'],
]) {
  test(`HttpServer: an unknown expectation ends the connection: ${JSON.stringify(head)}`, async (t) => {
    const { port, broker } = await startApi(t);
    const client = await RawClient.connect(t, port);

    client.write(`${PING}${head}${PING}`);
    const before = await client.answer();
    const rest = await client.end();

    assert.equal(before?.status, 200);
    assert.equal(
      rest,
      `HTTP/${version} 417 Expectation Failed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
    );
    assert.deepEqual(broker.calls, []);
  });
}

test('HttpServer: an empty Expect header has no effect', async (t) => {
  const { port } = await startApi(t);
  const client = await RawClient.connect(t, port);

  client.write(`GET /ping HTTP/1.1\r\nHost: x\r\nExpect:\r\n\r\n${PING}`);
  const answers = [await client.answer(), await client.answer()];

  assert.deepEqual(
    answers.map((answer) => answer?.status),
    [200, 200],
  );
});

test('HttpServer: behind an answer that closes nothing more is carried out', async (t) => {
  const { port, broker } = await startApi(t);
  const client = await RawClient.connect(t, port);
  const pub = 'POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na';

  client.write(`GET /ping HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n${pub}${pub}`);
  const answer = await client.answer();
  const rest = await client.end();

  assert.deepEqual([answer?.headers['connection'], rest], ['close', '']);
  assert.deepEqual(broker.calls, []);
});

test('HttpServer: 413 has its words from Go', async (t) => {
  const { port } = await startApi(t, { maxMsgSize: 2 });
  const client = await RawClient.connect(t, port);

  client.write(
    'POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc',
  );
  const answer = await client.end();

  assert.match(answer, /^HTTP\/1\.1 413 Request Entity Too Large\r\n/);
});

for (const [what, head, status] of [
  ['two hosts', 'Host: x\r\nHost: y', 400],
  ['two hosts that are the same', 'Host: x\r\nhost: x', 400],
  ['a host with a space', 'Host: a b', 400],
  ['a body in another coding', 'Host: x\r\nTransfer-Encoding: gzip, chunked', 501],
  ['a body in another coding alone', 'Host: x\r\nTransfer-Encoding: gzip', 501],
] as const) {
  test(`HttpServer: a request with ${what} is ${status}, and what follows is not read`, async (t) => {
    const { broker, port } = await startApi(t);
    const client = await RawClient.connect(t, port);

    client.write(`${PING}POST /pub?topic=t HTTP/1.1\r\n${head}\r\n\r\n1\r\nx\r\n0\r\n\r\n${PING}`);
    const before = await client.answer();
    const answer = await client.answer();

    assert.equal(before?.status, 200);
    assert.equal(answer?.status, status);
    assert.equal(await client.end(), '');
    assert.deepEqual(broker.calls, []);
  });
}

for (const [what, asked, wanted] of [
  ['that waits for the broker', 'POST /topic/empty?topic=t HTTP/1.1\r\nHost: x\r\n\r\n', [200]],
  ['of HTTP/1.0', 'POST /topic/empty?topic=t HTTP/1.0\r\n\r\n', [200]],
  ['with bare LFs', 'POST /topic/empty?topic=t HTTP/1.1\nHost: x\n\n', [200]],
  [
    'behind others',
    `${PING}POST /topic/empty?topic=t HTTP/1.1\r\nHost: x\r\n\r\nPOST /pub?topic=t HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx`,
    [200, 200, 200],
  ],
  [
    'whose body is cut off',
    'POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx',
    [500],
  ],
] as const) {
  test(`HttpServer: a request ${what} is answered although its client has ended its side`, async (t) => {
    const { broker, port } = await startApi(t);
    broker.topics.set('t', new Set());
    const { promise, resolve } = Promise.withResolvers<void>();
    broker.gate = promise;
    const client = await RawClient.connect(t, port);

    client.socket.end(asked);
    while (broker.calls.length === 0 && wanted[0] !== 500)
      await new Promise((next) => setImmediate(next));
    // The end has come by then, as another connection shows.
    await request(t, port, 'GET /ping');
    resolve();
    const answers = [];
    for (const _ of wanted) answers.push((await client.answer())?.status);

    assert.deepEqual(answers, [...wanted]);
    assert.equal(await client.end(), '');
  });
}

test('HttpServer: a body that is cut off while earlier requests wait is answered', async (t) => {
  const { broker, port } = await startApi(t, { maxMsgSize: 1000 });
  broker.topics.set('t', new Set());
  const client = await RawClient.connect(t, port);
  const publish = 'POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nContent-Length:';
  const large = `${publish} 60000\r\n\r\n${'x'.repeat(59_900)}`;
  const rest = `${'x'.repeat(100)}${`${publish} 1\r\n\r\nx`.repeat(2)}${publish} 9\r\n\r\nx`;

  client.write(large);
  // It is refused before the rest of its body is there.
  const statuses = [(await client.answer())?.status];
  client.socket.end(rest);
  for (let at = 0; at < 3; at++) statuses.push((await client.answer())?.status);

  assert.deepEqual(statuses, [413, 200, 200, 500]);
  assert.equal(await client.end(), '');
});

for (const [what, text, status] of [
  ['is whole', 'GET /ping HTTP/1.1\nHost: x\n\n', 200],
  ['is of HTTP/1.0', 'GET /ping HTTP/1.0\n\n', 200],
  ['changes something', 'POST /topic/create?topic=t HTTP/1.1\nHost: x\n\n', 200],
  ['has a wrong host', 'GET /ping HTTP/1.1\nHost: a b\n\n', 400],
  ['has one line that ends in CR LF', 'GET /ping HTTP/1.1\nHost: x\r\n\n', 400],
  ['begins with CR LF', 'GET /ping HTTP/1.1\r\nHost: x\n\n', 400],
  ['is followed by another', 'GET /ping HTTP/1.1\nHost: x\n\nGET /ping HTTP/1.1\nHost: x\n\n', 400],
  ['has a body', 'POST /pub?topic=t HTTP/1.1\nHost: x\nContent-Length: 1\n\nx', 400],
  ['says that it has no body', 'POST /pub?topic=t HTTP/1.1\nHost: x\nContent-Length: 0\n\n', 400],
  [
    'says that it has chunks',
    'POST /pub?topic=t HTTP/1.1\nHost: x\nTransfer-Encoding : chunked\n\n',
    400,
  ],
  ['is not whole', 'GET /ping HTTP/1.1\nHost: x\n', 400],
] as const) {
  test(`HttpServer: a request whose lines end in a bare LF and that ${what} is ${status}`, async (t) => {
    const { port } = await startApi(t);
    const client = await RawClient.connect(t, port);

    client.write(text);
    const answer = await client.end();

    assert.match(answer, new RegExp(`^HTTP/1\\.[01] ${status} `));
    assert.match(answer, /\r\nConnection: close\r\n/);
  });
}

test('the whole program is loaded without the HTTP client that Node carries', () => {
  const program = import.meta.resolve('../../../../src/main/program.ts');
  const script =
    `await import(${JSON.stringify(program)});` +
    "process.stdout.write(process.moduleLoadList.filter((name) => /http|undici/.test(name)).join(' '));" +
    'process.exit();';

  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', script],
    { encoding: 'utf8' },
  );
  const loaded = stdout.split(' ').filter((word) => /undici|^http2?$/.test(word));

  assert.equal(stderr, '');
  assert.deepEqual(loaded, ['http']);
});
