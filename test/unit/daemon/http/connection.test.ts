import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setImmediate as onNextTurn } from 'node:timers';
import { setImmediate } from 'node:timers/promises';
import { BodyTurns } from '../../../../src/daemon/http/body-turns.ts';
import { Connection } from '../../../../src/daemon/http/connection.ts';
import { RequestTurns } from '../../../../src/daemon/http/request-turns.ts';
import { request, startApi } from '../../../support/http-api.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { strictGuard } from '../../../support/strict-guard.ts';

const PING = 'GET /ping HTTP/1.1\r\nHost: x\r\n\r\n';
/** More than the fast lane takes, and more than one read has. */
const TOO_LARGE = `POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n${'x'.repeat(70_000)}`;
/** It is answered in a later turn than it is read. */
const EMPTY = 'POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n';
const GARBAGE = 'nonsense\r\n\r\n';
/** More unread bytes than the system keeps of a connection. */
const FLOOD_BYTES = 32 * 1024 * 1024;
/** Connections beyond the limit that HTTP may have. */
const HTTP_EXTRA = 16;
const LINGER_MS = 500;

/** Adds up what happens in each turn of the event loop. */
class TurnCounts {
  most = 0;
  #count = 0;

  constructor(t: TestContext) {
    let immediate: NodeJS.Immediate;
    const next = (): void => {
      this.#count = 0;
      immediate = onNextTurn(next);
    };
    immediate = onNextTurn(next);
    t.after(() => clearImmediate(immediate));
  }

  add(count: number): void {
    this.#count += count;
    this.most = Math.max(this.most, this.#count);
  }
}

/** A client that ends its side only when it is told to. */
async function connectHalfOpen(t: TestContext, port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** All that the server sends until it ends its side. */
async function readToEnd(socket: Socket): Promise<string> {
  let received = '';
  socket.setEncoding('latin1');
  socket.on('data', (text: string) => {
    received += text;
  });
  await once(socket, 'end');
  return received;
}

/** Resolves when the system has taken all bytes; rejects when the server has reset the connection. */
function written(socket: Socket, bytes: Buffer | string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}

test('Connection: what follows garbage is dropped until the client closes, and answered once', async (t) => {
  const { port, clock } = await startApi(t, {}, { connectionsMax: 1 - HTTP_EXTRA });
  const client = await connectHalfOpen(t, port);
  client.write(GARBAGE);
  const answer = await readToEnd(client);

  await written(client, Buffer.alloc(FLOOD_BYTES, PING));
  client.end();
  await once(client, 'close');
  let status = 503;
  while (status === 503) status = (await request(t, port, 'GET /ping')).status;

  assert.deepEqual([answer.match(/HTTP\/1.1 \d+/g), status], [['HTTP/1.1 400'], 200]);
  assert.equal(clock.timerCount, 0);
});

test('Connection: a client that goes on sending behind garbage is cut off', async (t) => {
  const { port, clock } = await startApi(t);
  const client = await connectHalfOpen(t, port);
  client.write(GARBAGE);
  await readToEnd(client);
  // Never done: whatever is taken is followed by more.
  const chunk = Buffer.alloc(64 * 1024, PING);
  const sendMore = (): void => {
    client.write(chunk, (error) => {
      if (!error) sendMore();
    });
  };
  const closed = new Promise((resolve) => client.on('error', () => undefined).on('close', resolve));
  sendMore();
  await written(client, chunk);
  clock.advance(LINGER_MS - 1);
  await written(client, Buffer.alloc(FLOOD_BYTES, PING));
  const isCutOffEarly = client.destroyed;

  clock.advance(1);
  await closed;

  assert.deepEqual([isCutOffEarly, clock.timerCount], [false, 0]);
});

test('Connection: a request that took too long is not carried out when it comes after all', async (t) => {
  const clock = new ManualClock();
  const handled: (string | undefined)[] = [];
  const server = createServer().listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const client = await connectHalfOpen(t, Object(server.address()).port);
  const [socket] = await accepted;
  const connection = new Connection(
    socket,
    ({ request: { url } }) => handled.push(url),
    clock,
    new RequestTurns(),
    strictGuard(),
  );
  server.on('request', (incoming, response) => {
    const listener = { isUnixSocket: false, isLoopback: true };
    connection.take({ request: incoming, response, awaitsContinue: false, listener });
  });
  client.write('GET /late HTTP/1.1\r\n');
  while (socket.bytesRead === 0) await setImmediate();

  connection.refuse('ERR_HTTP_REQUEST_TIMEOUT');
  const answer = await readToEnd(client);
  await written(client, `Host: x\r\n\r\n${PING}`);
  const read = 'GET /late HTTP/1.1\r\nHost: x\r\n\r\n'.length + PING.length;
  while (socket.bytesRead < read) await setImmediate();
  const isGone = socket.destroyed;
  clock.advance(LINGER_MS);

  assert.match(answer, /^HTTP\/1.1 408 Request Timeout\r\n.*\r\n\r\n408 Request Timeout$/s);
  assert.deepEqual([handled, isGone, socket.destroyed], [[], false, true]);
});

test('Connection: a client that pipelines very many requests lets those of others through', async (t) => {
  const { port } = await startApi(t);
  const client = await connectHalfOpen(t, port);
  const count = 5000;
  let answered = 0;
  client.setEncoding('latin1');
  client.on('data', (text: string) => {
    answered += text.split('HTTP/1.1 200').length - 1;
  });
  client.write(PING.repeat(count));
  await once(client, 'data');

  const { status } = await request(t, port, 'GET /ping');
  const before = answered;
  while (answered < count) await once(client, 'data');

  assert.equal(status, 200);
  assert.ok(before < count / 10, `${before} of ${count} are answered before it`);
});

test('Connection: requests of many connections are divided among turns, and none is lost', async (t) => {
  const { broker, port } = await startApi(t);
  const turns = new TurnCounts(t);
  const createTopic = broker.createTopic.bind(broker);
  broker.createTopic = (name) => {
    turns.add(1);
    return createTopic(name);
  };
  const clients: Socket[] = [];
  for (let index = 0; index < 100; index++) clients.push(await connectHalfOpen(t, port));

  for (const [index, client] of clients.entries()) {
    client.write(
      `POST /topic/create?topic=t${index} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    );
  }
  const answers = await Promise.all(clients.map((client) => readToEnd(client)));

  assert.ok(answers.every((answer) => answer.startsWith('HTTP/1.1 200')));
  assert.ok(turns.most <= 32, `${turns.most} in a turn`);
});

test('BodyTurns: a turn takes a bounded part of large bodies, which come whole', async (t) => {
  const { broker, bodies, port } = await startApi(t, { maxBodySize: 16 * 1024 * 1024 });
  const turns = new TurnCounts(t);
  const held = new Map<unknown, number>();
  const note = bodies.note.bind(bodies);
  t.mock.method(bodies, 'note', (...given: Parameters<typeof note>) => {
    const [reader, heldBytes, wantedBytes] = given;
    // Whole ones are noted too.
    if (heldBytes > 0 && heldBytes < wantedBytes) {
      turns.add(heldBytes - (held.get(reader) ?? 0));
      held.set(reader, heldBytes);
    }
    note(...given);
  });
  const body = Buffer.alloc(6 * 1024 * 1024, `${'x'.repeat(9999)}\n`);

  const statuses = await Promise.all(
    ['a', 'b', 'c'].map(async (topic) => {
      const url = `http://127.0.0.1:${port}/mpub?topic=${topic}`;
      return (await fetch(url, { method: 'POST', body })).status;
    }),
  );

  assert.deepEqual(statuses, [200, 200, 200]);
  const part = 64 * 1024;
  assert.ok(turns.most <= 1024 * 1024 + 3 * part, `${turns.most} in a turn`);
  assert.equal(broker.calls.filter((call) => call.startsWith('publish')).length, 3);
});

test('BodyTurns: a body in chunks of one byte yields after some thousand of them', () => {
  const callbacks: (() => void)[] = [];
  const turns = new BodyTurns((callback) => callbacks.push(callback));
  const perTurn: number[] = [];

  for (let turn = 0; turn < 3; turn++) {
    let count = 1;
    while (turns.take(1)) count++;
    perTurn.push(count);
    callbacks.shift()?.();
  }

  assert.deepEqual(perTurn, [2045, 2045, 2045]);
});

test('RequestTurns: a turn resumes some of many that wait, in order', () => {
  const callbacks: (() => void)[] = [];
  const turns = new RequestTurns((callback) => callbacks.push(callback));
  const resumed: number[] = [];
  for (let index = 0; index < 40; index++) turns.wait(() => resumed.push(index));
  const counts: number[] = [];
  const first = turns.current();

  for (let turn = 0; turn < 4; turn++) {
    callbacks.shift()?.();
    counts.push(resumed.length);
  }

  assert.deepEqual(counts, [16, 32, 40, 40]);
  assert.deepEqual(
    resumed,
    resumed.map((_, index) => index),
  );
  assert.deepEqual([turns.current() - first, callbacks.length], [3, 1]);
});

for (const hasLane of [true, false]) {
  const lane = hasLane ? 'on the fast lane' : 'of the server';
  test(`Connection: a client ${lane} that has ended its side is told of its garbage`, async (t) => {
    const { port } = await startApi(t, { maxMsgSize: 1024 }, { hasLane });
    const client = await connectHalfOpen(t, port);

    client.end(TOO_LARGE + EMPTY + EMPTY + GARBAGE);
    const answers = await readToEnd(client);

    assert.deepEqual(answers.match(/HTTP\/1.1 \d+/g), [
      'HTTP/1.1 413',
      'HTTP/1.1 400',
      'HTTP/1.1 400',
      'HTTP/1.1 400',
    ]);
  });
}

test('Connection: of a body that waits for memory there is one read, and it goes on at the first one', async (t) => {
  const { port, log } = await startApi(t, {}, { bodyBytes: 1_000_000 });
  const sockets: Socket[] = [];
  const note = (message: unknown): void => {
    // as Node documents this channel
    sockets.push((message as { socket: Socket }).socket);
  };
  subscribe('http.server.request.start', note);
  t.after(() => unsubscribe('http.server.request.start', note));
  const body = 'x'.repeat(600_000);
  const begin = `POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n`;
  const [first, second] = [await connectHalfOpen(t, port), await connectHalfOpen(t, port)];
  await written(first, begin + body.slice(0, 400_000));
  while ((sockets[0]?.bytesRead ?? 0) < 400_000) await setImmediate();

  second.write(begin + body);
  while (!log.some((line) => /1 client with a large body waits/.test(line))) await setImmediate();
  for (let turn = 0; turn < 50; turn++) await setImmediate();
  const readBytes = sockets[1].bytesRead;
  first.destroy();
  const [answer] = await once(second, 'data');

  assert.ok(readBytes <= 64 * 1024, `${readBytes} bytes were read`);
  assert.match(String(answer), /^HTTP\/1\.1 200 /);
});
