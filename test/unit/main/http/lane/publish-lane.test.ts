import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RawClient, startApi } from '../../../../support/http-api.ts';

const LIMIT = { timeout: 120_000 };
const LOOK_MS = 1000;
const FIRST_LOOKS = 60;
const PING = 'GET /ping HTTP/1.1\r\nHost: x\r\n\r\n';
const HEAD = 'HTTP/1.1 200 OK\r\n';

function pub(body: string, fields = ''): string {
  return `POST /pub?topic=t HTTP/1.1\r\nHost: x\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`;
}

test('PublishLane: requests that come together are answered with one text', LIMIT, async (t) => {
  const { port, broker } = await startApi(t);
  broker.topics.set('t', new Set());
  broker.isReady = true;
  const client = await RawClient.connect(t, port);

  client.write(pub('a') + pub('b') + pub('c', 'Connection: close\r\n'));
  const text = await client.end();

  assert.deepEqual(broker.calls, [
    'publish t 1 0 ["a"]',
    'publish t 1 0 ["b"]',
    'publish t 1 0 ["c"]',
  ]);
  const fields =
    'Content-Type: text/plain; charset=utf-8\r\nX-Nsq-Content-Type: nsq; version=1.0\r\nContent-Length: 2\r\n' +
    'Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n';
  const kept = `${HEAD}${fields}Connection: keep-alive\r\n\r\nOK`;
  assert.equal(text, `${kept}${kept}${HEAD}${fields}Connection: close\r\n\r\nOK`);
});

test('PublishLane: a request waits for the one before it, and for its topic', LIMIT, async (t) => {
  const { port, broker } = await startApi(t);
  const gate = Promise.withResolvers<void>();
  broker.gate = gate.promise;
  const client = await RawClient.connect(t, port);
  const other = await RawClient.connect(t, port);

  client.write(pub('a') + pub('b') + PING);
  other.write(PING);
  await other.answer();
  const before = [...broker.calls];
  gate.resolve();
  const answers = [await client.answer(), await client.answer(), await client.answer()];

  assert.deepEqual(before, ['createTopic t']);
  assert.deepEqual(
    answers.map((answer) => answer?.status),
    [200, 200, 200],
  );
  assert.deepEqual(broker.calls, ['createTopic t', 'publish t 1 0 ["a"]', 'publish t 1 0 ["b"]']);
});

test('PublishLane: a failing publish is answered, and the connection kept', LIMIT, async (t) => {
  const { port, broker, log } = await startApi(t);
  broker.topics.set('t', new Set());
  broker.failure = new Error('the disk is gone');
  const client = await RawClient.connect(t, port);

  client.write(pub('a'));
  const answer = await client.answer();
  broker.failure = undefined;
  client.write(pub('b'));
  const next = await client.answer();

  assert.deepEqual(
    [answer?.status, answer?.body, next?.body],
    [503, '{"message":"EXITING"}', 'OK'],
  );
  assert.deepEqual(log, ['ERROR: failed to publish to topic t - Error: the disk is gone']);
});

test('PublishLane: a body that comes in parts is whole', LIMIT, async (t) => {
  const { port, broker } = await startApi(t);
  broker.topics.set('t', new Set());
  const client = await RawClient.connect(t, port);
  const body = 'x'.repeat(60_000);

  const text = pub(body);
  await client.writeParts([
    text.slice(0, 10),
    text.slice(10, 5000),
    text.slice(5000, 50_000),
    text.slice(50_000),
  ]);
  const answer = await client.answer();

  assert.equal(answer?.body, 'OK');
  assert.deepEqual(broker.calls, [`publish t 1 0 ["${body}"]`]);
});

test('PublishLane: a large body that waits keeps its bytes', LIMIT, async (t) => {
  const { port, broker } = await startApi(t);
  const gate = Promise.withResolvers<void>();
  broker.gate = gate.promise;
  const [first, second] = [await RawClient.connect(t, port), await RawClient.connect(t, port)];

  first.write(pub('a'.repeat(5000)));
  second.write(pub('b'.repeat(5000)));
  while (broker.calls.length < 2) await new Promise((resolve) => setImmediate(resolve));
  gate.resolve();
  await first.answer();
  await second.answer();

  assert.deepEqual(broker.calls.slice(2), [
    `publish t 1 0 ["${'a'.repeat(5000)}"]`,
    `publish t 1 0 ["${'b'.repeat(5000)}"]`,
  ]);
});

test('PublishLane: a client that ends its side is answered first', LIMIT, async (t) => {
  const { port, broker } = await startApi(t);
  const client = await RawClient.connect(t, port);

  client.socket.end(pub('a'));
  const text = await client.end();

  assert.match(text, /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nOK$/s);
  assert.deepEqual(broker.calls, ['createTopic t', 'publish t 1 0 ["a"]']);
});

test('PublishLane: a connection that says nothing is closed after a minute', LIMIT, async (t) => {
  const { port, clock } = await startApi(t);
  const silent = await RawClient.connect(t, port);
  const idle = await RawClient.connect(t, port);
  idle.write(pub('a'));
  await idle.answer();

  clock.advance(LOOK_MS * FIRST_LOOKS);
  const text = await silent.end();
  idle.write(pub('b'));
  const answer = await idle.answer();

  assert.deepEqual([text, answer?.body], ['', 'OK']);
});

test(
  'PublishLane: a request that comes bit by bit goes on where deadlines are',
  LIMIT,
  async (t) => {
    const { port, clock, broker } = await startApi(t);
    const client = await RawClient.connect(t, port);
    const other = await RawClient.connect(t, port);

    client.write(pub('a') + pub('b').slice(0, -1));
    await client.answer();
    other.write(PING);
    await other.answer();
    clock.advance(2 * LOOK_MS);
    client.write(`b${PING}`);
    const answers = [await client.answer(), await client.answer()];

    assert.deepEqual(
      answers.map((answer) => answer?.body),
      ['OK', 'OK'],
    );
    assert.deepEqual(broker.calls.slice(1), ['publish t 1 0 ["a"]', 'publish t 1 0 ["b"]']);
  },
);

test('PublishLane: a client that takes no answers is not read from', LIMIT, async (t) => {
  const { port, broker } = await startApi(t);
  broker.topics.set('t', new Set());
  broker.isReady = true;
  const client = await RawClient.connect(t, port);
  client.socket.pause();
  const text = pub('a').repeat(500);

  let writes = 0;
  // At some point the system's buffers are full both ways, and the socket keeps what is written.
  while (client.socket.writableLength === 0) {
    client.write(text);
    writes++;
    await new Promise((resolve) => setImmediate(resolve));
  }
  client.socket.end();
  client.socket.resume();
  const answers = await client.end();

  assert.equal(answers.split(HEAD).length - 1, writes * 500);
  assert.equal(broker.calls.length, writes * 500);
});

test('PublishLane: an ending server answers what it has taken, and closes', LIMIT, async (t) => {
  const { port, broker, server } = await startApi(t);
  const idle = await RawClient.connect(t, port);
  idle.write(pub('a'));
  await idle.answer();
  const gate = Promise.withResolvers<void>();
  broker.gate = gate.promise;
  const busy = await RawClient.connect(t, port);
  busy.write(pub('b'));
  while (broker.calls.length < 3) await new Promise((resolve) => setImmediate(resolve));

  server.closeListener();
  const idleText = await idle.end();
  gate.resolve();
  const answer = await busy.answer();
  const rest = await busy.end();

  assert.deepEqual(
    [idleText, answer?.body, answer?.headers['connection'], rest],
    ['', 'OK', 'close', ''],
  );
});

test(
  'PublishLane: a client that pipelines is served over several turns, and others between',
  LIMIT,
  async (t) => {
    const { port, broker } = await startApi(t);
    broker.topics.set('t', new Set());
    broker.isReady = true;
    const client = await RawClient.connect(t, port);
    const other = await RawClient.connect(t, port);
    const count = 3000;

    client.write(pub('a').repeat(count));
    while (broker.calls.length === 0) await new Promise((next) => setImmediate(next));
    const first = broker.calls.length;
    other.write(pub('b'));
    await other.answer();
    for (let answer = 0; answer < count; answer++) await client.answer();

    assert.ok(first < count / 4, `${first} of ${count} in the first turn`);
    assert.deepEqual(
      broker.calls.filter((call) => call.includes('"b"')),
      ['publish t 1 0 ["b"]'],
    );
    assert.equal(broker.calls.length, count + 1);
  },
);
