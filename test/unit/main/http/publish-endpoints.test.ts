import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PublishRefused } from '../../../../src/main/topics/publisher.ts';
import { RawClient, request, startApi } from '../../../support/http-api.ts';

const int32 = (...values: number[]): string => {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeInt32BE(value, 4 * index);
  return bytes.toString('latin1');
};
const LIMITS = { maxMsgSize: 10, maxBodySize: 40, maxReqTimeoutMs: 5000 };
const LONG_NAME = 't'.repeat(65);

for (const [what, body, wanted, ...calls] of [
  ['/pub?topic=t', 'hello', 'OK', 'publish t 1 0 ["hello"]'],
  ['/pub?topic=%61%2Eb%23ephemeral', 'x', 'OK', 'publish a.b#ephemeral 1 0 ["x"]'],
  ['/pub?topic=t', '0123456789', 'OK', 'publish t 1 0 ["0123456789"]'],
  ['/pub?topic=t', '0123456789a', '413 MSG_TOO_BIG'],
  ['/pub', '0123456789a', '413 MSG_TOO_BIG'],
  ['/pub?topic=t', '', '400 MSG_EMPTY'],
  ['/pub?topic=;', '', '400 MSG_EMPTY'],
  ['/pub?topic=%', 'x', '400 INVALID_REQUEST'],
  ['/pub', 'topic=t', '400 MISSING_ARG_TOPIC'],
  ['/pub?topic=', 'x', '400 INVALID_TOPIC'],
  [`/pub?topic=${LONG_NAME}`, 'x', '400 INVALID_TOPIC'],
  ['/pub?topic=t&defer=5000', 'x', 'OK', 'publish t 1 5000 ["x"]'],
  ['/pub?topic=t&defer=%2B7', 'x', 'OK', 'publish t 1 7 ["x"]'],
  ['/pub?topic=t&defer=-0', 'x', 'OK', 'publish t 1 0 ["x"]'],
  ['/pub?topic=t&defer=5001', 'x', '400 INVALID_DEFER'],
  ['/pub?topic=t&defer=-1', 'x', '400 INVALID_DEFER'],
  ['/pub?topic=t&defer=', 'x', '400 INVALID_DEFER'],
  ['/pub?topic=t&defer=1.5', 'x', '400 INVALID_DEFER'],
  ['/pub?topic=t&defer=1e3', 'x', '400 INVALID_DEFER'],
  ['/pub?topic=t&defer=99999999999999999999', 'x', '400 INVALID_DEFER'],
  ['/mpub?topic=t', 'one\n\ntwo\r\n', 'OK', 'publish t 2 0 ["one","two\\r"]'],
  ['/mpub?topic=t&defer=9', 'one', 'OK', 'publish t 1 0 ["one"]'],
  ['/mpub?topic=t', '', 'OK'],
  ['/mpub?topic=t', '\n\n', 'OK'],
  ['/mpub', 'x', '400 MISSING_ARG_TOPIC'],
  ['/mpub?topic=$', 'x', '400 INVALID_TOPIC'],
  ['/mpub?topic=%', 'x', '400 INVALID_REQUEST'],
  ['/mpub', 'x'.repeat(41), '413 BODY_TOO_BIG'],
  ['/mpub?topic=t', 'a\n0123456789a\nb', '413 MSG_TOO_BIG'],
  ['/mpub?topic=t&binary=0', 'a', 'OK', 'publish t 1 0 ["a"]'],
  ['/mpub?topic=t&binary=false', 'a', 'OK', 'publish t 1 0 ["a"]'],
  ['/mpub?topic=t&binary=1', `${int32(1, 2)}\n\nrest`, 'OK', 'publish t 1 0 ["\\n\\n"]'],
  ['/mpub?topic=t&binary=true', `${int32(1, 1)}a`, 'OK', 'publish t 1 0 ["a"]'],
  ['/mpub?topic=t&binary=', `${int32(1, 1)}a`, 'OK', 'publish t 1 0 ["a"]'],
  ['/mpub?topic=t&binary=true', '', '413 BAD_BODY'],
  ['/mpub?topic=t&binary=true', int32(0), '413 BAD_BODY'],
  ['/mpub?topic=t&binary=true', int32(1, 0), '413 BAD_MESSAGE'],
  ['/mpub?topic=t&binary=true', `${int32(1, 11)}0123456789a`, '413 BAD_MESSAGE'],
] as const) {
  test(`publish: ${what} with ${JSON.stringify(body)} is ${wanted}`, async (t) => {
    const { broker, port } = await startApi(t, LIMITS);
    for (const name of ['t', 'a.b#ephemeral']) broker.topics.set(name, new Set());

    const answer = await request(t, port, `POST ${what}`, body);

    const [status, code] = wanted.split(' ');
    const isRefused = code !== undefined;
    assert.deepEqual(
      [answer.status, answer.body, broker.calls],
      [isRefused ? Number(status) : 200, isRefused ? `{"message":"${code}"}` : 'OK', calls],
    );
  });
}

test('publish: the headers of OK', async (t) => {
  const { port } = await startApi(t);

  const { headers } = await request(t, port, 'POST /pub?topic=t', 'x');

  const { date: _, ...others } = headers;
  assert.deepEqual(others, {
    'content-type': 'text/plain; charset=utf-8',
    'x-nsq-content-type': 'nsq; version=1.0',
    'content-length': '2',
    connection: 'keep-alive',
  });
});

for (const [what, wanted] of [
  ['/pub?topic=new', 200],
  ['/pub?topic=new&defer=x', 400],
  ['/mpub?topic=new', 200],
  ['/mpub?topic=new&binary=true', 413],
] as const) {
  test(`publish: ${what} creates the topic and is ${wanted}`, async (t) => {
    const { broker, port } = await startApi(t);

    const { status } = await request(t, port, `POST ${what}`, 'x');

    assert.equal(status, wanted);
    assert.equal(broker.calls[0], 'createTopic new');
  });
}

for (const what of ['/pub?topic=t', '/mpub?topic=t', '/pub?topic=new', '/mpub?topic=new']) {
  test(`publish: ${what} is EXITING when the broker fails`, async (t) => {
    const { broker, log, port } = await startApi(t);
    broker.topics.set('t', new Set());
    broker.failure = new Error('no space left');

    const { status, body } = await request(t, port, `POST ${what}`, 'x');

    assert.deepEqual([status, body], [503, '{"message":"EXITING"}']);
    assert.match(log[0], /^ERROR: failed to publish to topic \w+ - Error: no space left$/);
  });
}

test('publish: a refusal that is meant for the publisher says why', async (t) => {
  const { broker, port } = await startApi(t);
  broker.topics.set('t', new Set());
  broker.failure = new PublishRefused('1.0MiB are free');

  const answers = [
    await request(t, port, 'POST /pub?topic=t', 'x'),
    await request(t, port, 'POST /mpub?topic=t', 'x'),
  ];

  assert.deepEqual(
    answers.map(({ status, body }) => [status, body]),
    [
      [503, '{"message":"1.0MiB are free"}'],
      [503, '{"message":"1.0MiB are free"}'],
    ],
  );
});

test('publish: bodies that come in part wait for each other when they are too many', async (t) => {
  const BODY = 900_000;
  const { broker, bodies, port } = await startApi(t, {}, { bodyBytes: 1_500_000 });
  broker.topics.set('t', new Set());
  const head = `POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nContent-Length: ${BODY}\r\n\r\n`;
  const clients = [
    await RawClient.connect(t, port),
    await RawClient.connect(t, port),
    await RawClient.connect(t, port),
  ];
  for (const client of clients) client.write(head + 'x'.repeat(BODY - 1));
  // What one of them takes, with room for its size before it.
  while (bodies.totalBytes < BODY) await new Promise((next) => setImmediate(next));
  const setAsideBytes = bodies.totalBytes;

  for (const client of clients) client.write('x');
  const answers = await Promise.all(clients.map((client) => client.answer()));

  assert.equal(setAsideBytes, BODY + 4);
  assert.deepEqual(
    answers.map((answer) => answer?.body),
    ['OK', 'OK', 'OK'],
  );
  assert.equal(bodies.totalBytes, 0);
});

test('publish: a body whose client goes away is forgotten', async (t) => {
  const { broker, bodies, port } = await startApi(t);
  broker.topics.set('t', new Set());
  const client = await RawClient.connect(t, port);
  client.write('POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n');
  client.write('x'.repeat(200_000));
  while (bodies.totalBytes === 0) await new Promise((next) => setImmediate(next));

  client.socket.destroy();

  while (bodies.totalBytes > 0) await new Promise((next) => setImmediate(next));
  assert.equal(bodies.totalBytes, 0);
});

test('publish: a body that holds up others for too long ends its connection', async (t) => {
  const { broker, bodies, clock, log, port } = await startApi(t, {}, { bodyBytes: 100_000 });
  broker.topics.set('t', new Set());
  const client = await RawClient.connect(t, port);
  client.write('POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n');
  client.write('x'.repeat(200_000));
  while (bodies.totalBytes === 0) await new Promise((next) => setImmediate(next));
  const other = await RawClient.connect(t, port);
  other.write('POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n');
  other.write('x'.repeat(200_000));
  while (log.length === 0) await new Promise((next) => setImmediate(next));

  clock.advance(1000);
  other.write('x'.repeat(100_000));

  assert.equal(await client.end(), '');
  assert.equal((await other.answer())?.body, 'OK');
  assert.equal(bodies.totalBytes, 0);
  assert.match(log[1], /^WARNING: disconnected HTTP client 127\.0\.0\.1:\d+: others wait/);
});

test('publish: an unknown value of binary is warned of, on one line', async (t) => {
  const { log, port } = await startApi(t);

  await request(t, port, 'POST /mpub?topic=t&binary=a%0Ab', 'x');

  assert.deepEqual(log, ['WARNING: deprecated value "a\\nb" used for /mpub binary param']);
});

for (const [what, chunks, wanted] of [
  ['/pub?topic=t', ['he', 'llo'], 'OK'],
  ['/pub?topic=t', ['01234', '56789', 'a'], '{"message":"MSG_TOO_BIG"}'],
  ['/pub?topic=t', [], '{"message":"MSG_EMPTY"}'],
  ['/mpub?topic=t', ['one\n', 'two'], 'OK'],
  ['/mpub?topic=t', ['0123456\n'.repeat(5), 'x'], '{"message":"BODY_TOO_BIG"}'],
  ['/mpub?topic=t', ['0123456789a\n', 'x\n'.repeat(40)], '{"message":"MSG_TOO_BIG"}'],
  [
    '/mpub?topic=t&binary=true',
    [int32(1), int32(1), 'a', 'x'.repeat(40)],
    '{"message":"BODY_TOO_BIG"}',
  ],
] as const) {
  test(`publish: ${what} in chunks ${JSON.stringify(chunks)} is ${wanted}`, async (t) => {
    const { port } = await startApi(t, LIMITS);
    const client = await RawClient.connect(t, port);

    client.write(`POST ${what} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`);
    for (const chunk of chunks) client.write(`${chunk.length.toString(16)}\r\n${chunk}\r\n`);
    client.write('0\r\n\r\n');
    const first = await client.answer();
    client.write('GET /ping HTTP/1.1\r\nHost: x\r\n\r\n');
    const second = await client.answer();

    assert.deepEqual([first?.body, second?.body], [wanted, 'OK']);
  });
}

test('publish: a chunked body may grow to the limit', async (t) => {
  const { broker, port } = await startApi(t, { maxMsgSize: 100_000 });
  broker.topics.set('t', new Set());
  const client = await RawClient.connect(t, port);
  const body = 'x'.repeat(100_000);

  client.write('POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
  for (let at = 0; at < body.length; at += 1000)
    client.write(`3e8\r\n${body.slice(at, at + 1000)}\r\n`);
  client.write('0\r\n\r\n');
  const answer = await client.answer();

  assert.equal(answer?.body, 'OK');
  assert.deepEqual(broker.calls, [`publish t 1 0 ["${body}"]`]);
});

test('publish: a request that comes byte by byte', async (t) => {
  const { broker, port } = await startApi(t);
  broker.topics.set('t', new Set());
  const client = await RawClient.connect(t, port);

  await client.writeParts([
    ...'POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello',
  ]);
  const answer = await client.answer();

  assert.equal(answer?.body, 'OK');
  assert.deepEqual(broker.calls, ['publish t 1 0 ["hello"]']);
});

test('publish: a client that goes away within a body publishes nothing', async (t) => {
  const { broker, log, port } = await startApi(t);
  broker.topics.set('t', new Set());
  const client = await RawClient.connect(t, port);

  await client.writeParts([
    'POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel',
  ]);
  client.socket.resetAndDestroy();
  await client.end();
  await request(t, port, 'GET /ping');

  assert.deepEqual(broker.calls, []);
  assert.deepEqual(log, []);
});

test('publish: a client that goes away before its answer does no harm', async (t) => {
  const { broker, port } = await startApi(t);
  broker.topics.set('t', new Set());
  const { promise, resolve } = Promise.withResolvers<void>();
  broker.gate = promise;
  const client = await RawClient.connect(t, port);

  client.write('POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx');
  while (broker.calls.length === 0) await new Promise((next) => setImmediate(next));
  client.socket.resetAndDestroy();
  await client.end();
  await request(t, port, 'GET /ping');
  resolve();
  const { body } = await request(t, port, 'GET /ping');

  assert.equal(body, 'OK');
});

test('publish: a half-closed client gets INTERNAL_ERROR for a body that is cut off', async (t) => {
  const { broker, port } = await startApi(t);
  const client = await RawClient.connect(t, port);

  client.write('POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel');
  client.socket.end();
  const answer = await client.answer();

  assert.deepEqual([answer?.status, answer?.body], [500, '{"message":"INTERNAL_ERROR"}']);
  assert.equal(await client.end(), '');
  assert.deepEqual(broker.calls, []);
});

test('publish: a half-closed client gets the answer to a whole request', async (t) => {
  const { port } = await startApi(t);
  const client = await RawClient.connect(t, port);

  client.write('POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello');
  client.socket.end();
  const answer = await client.answer();

  assert.equal(answer?.body, 'OK');
});

for (const [what, length, wanted] of [
  ['/pub?topic=t', 5, [100, 200]],
  ['/mpub?topic=t', 5, [100, 200]],
  ['/pub?topic=t', 11, [413]],
  ['/mpub?topic=t', 41, [413]],
  ['/mpub?topic=!', 5, [400]],
  ['/topic/create?topic=t', 5, [200]],
] as const) {
  test(`publish: Expect: 100-continue at ${what} with ${length} bytes gives ${wanted}`, async (t) => {
    const { port } = await startApi(t, LIMITS);
    const client = await RawClient.connect(t, port);

    client.write(
      `POST ${what} HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\nExpect: 100-continue\r\n\r\n`,
    );
    const first = await client.answer();
    const statuses = [first?.status];
    if (first?.status === 100) {
      client.write('x'.repeat(length));
      statuses.push((await client.answer())?.status);
    } else {
      assert.equal(first?.headers['connection'], 'close');
      assert.equal(await client.end(), '');
    }

    assert.deepEqual(statuses, wanted);
  });
}

test('publish: pipelined requests are published and answered in their order', async (t) => {
  const { broker, port } = await startApi(t);
  const client = await RawClient.connect(t, port);
  const bodies = Array.from({ length: 50 }, (_, index) => `m${index}`);

  client.write(
    bodies
      .map(
        (body) =>
          `POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      )
      .join(''),
  );
  for (const _ of bodies) await client.answer();

  assert.deepEqual(broker.calls, [
    'createTopic t',
    ...bodies.map((body) => `publish t 1 0 ["${body}"]`),
  ]);
});
