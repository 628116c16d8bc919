import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import { test } from 'node:test';
import { Guard } from '../../../../../src/daemon/guard.ts';
import { ChunkedBody } from '../../../../../src/main/http/lane/chunked-body.ts';
import { LaneAnswers } from '../../../../../src/main/http/lane/lane-answers.ts';
import { LaneConnection } from '../../../../../src/main/http/lane/lane-connection.ts';
import { PublishEndpoints } from '../../../../../src/main/http/publish-endpoints.ts';
import { TurnBudget } from '../../../../../src/main/limits/turn-budget.ts';
import { FakeSocket } from '../../../../support/fake-socket.ts';
import { FakeBroker } from '../../../../support/http-api.ts';
import { journalLogger } from '../../../../support/journal.ts';
import { ManualClock } from '../../../../support/manual-clock.ts';

const BODY_BYTES_MAX = 1000;
const PING = 'GET /ping HTTP/1.1\r\nHost: x\r\n\r\n';
/** As many requests as no client's quota for one turn allows. */
const FLOOD = 2000;
/** More turns than anything here takes. */
const TURNS_MAX = 20;

function pub(body: string, fields = ''): string {
  return `POST /pub?topic=t HTTP/1.1\r\nHost: x\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`;
}

/** Lets everything happen that needs no time. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** A connection on the lane over a socket without a network, and a broker that takes every publish at once. */
class Side {
  readonly broker = new FakeBroker();
  readonly client = new FakeSocket();
  /** What the lane was told, in order. */
  readonly told: string[] = [];
  readonly statuses: number[] = [];
  readonly log: string[];
  readonly connection: LaneConnection;
  readonly budget: TurnBudget;
  /** What left the lane, and the input that whatever took over has found there. */
  left: Duplex | null = null;
  leftInput = '';
  #pendingCount = 0;

  constructor() {
    const { logger, log } = journalLogger();
    const clock = new ManualClock();
    this.log = log.lines;
    this.broker.isReady = true;
    this.broker.topics.set('t', new Set());
    this.budget = new TurnBudget(
      () => undefined,
      () => clock.monotonicMs(),
    );
    const context = {
      endpoints: new PublishEndpoints(this.broker, logger),
      access: null,
      answers: new LaneAnswers(clock),
      chunks: new ChunkedBody(),
      bodies: {
        note: (_request: unknown, heldBytes: number) => void this.told.push(`holds ${heldBytes}`),
        forget: () => void this.told.push('holds nothing'),
      },
      budget: this.budget,
      countAnswer: (status: number) => void this.statuses.push(status),
      guard: new Guard(clock, logger),
      bodyBytesMax: () => BODY_BYTES_MAX,
      onPending: () => this.#pendingCount++,
      onUnfinished: () => void this.told.push('unfinished'),
      onFinished: () => void this.told.push('finished'),
      onGone: () => void this.told.push('gone'),
    };
    this.connection = new LaneConnection(
      this.client.socket,
      context,
      () => true,
      (socket) => {
        this.left = socket;
        socket.on('data', (chunk: Buffer) => {
          this.leftInput += chunk.toString('latin1');
        });
        socket.resume();
      },
    );
  }

  /** Sends bytes, which are all read before it resolves. The turn does not end. */
  async send(bytes: string): Promise<void> {
    this.client.send(bytes);
    await turns();
  }

  /** Ends main's turn: answers are written if there are any, and throttled clients go on. */
  async endTurn(): Promise<void> {
    const count = this.#pendingCount;
    assert.ok(count <= 1, 'a connection is asked once in a turn for its output');
    this.#pendingCount = 0;
    if (count > 0) this.connection.flush();
    this.budget.nextTurn();
    await turns();
  }

  /** Bodies that the broker was given. */
  get published(): string[] {
    return this.broker.calls.map((call) => /\["(.*)"\]$/.exec(call)?.[1] ?? call);
  }

  /** Status codes of the answers on the wire, with `close` behind the last one. */
  get answers(): string[] {
    const text = this.client.written.toString('latin1');
    const found = text.matchAll(/HTTP\/1\.1 (\d+) [\s\S]*?Connection: (keep-alive|close)\r\n/g);
    return [...found].map(([, status, kept]) => (kept === 'close' ? `${status} close` : status));
  }
}

test('LaneConnection: the answers of a turn are written together, when it ends', async () => {
  const side = new Side();

  await side.send(pub('a') + pub('b'));
  await side.send(pub('c'));
  const before = side.client.written.length;
  await side.endTurn();

  assert.equal(before, 0);
  assert.deepEqual(side.published, ['a', 'b', 'c']);
  assert.deepEqual(side.answers, ['200', '200', '200']);
  assert.deepEqual(side.statuses, [200, 200, 200]);
});

test('LaneConnection: answers keep the order of their requests, whatever they are', async () => {
  const side = new Side();

  await side.send(pub('a') + pub('') + pub('b') + pub('c'));
  await side.endTurn();

  assert.deepEqual(side.answers, ['200', '400', '200', '200']);
  assert.deepEqual(side.published, ['a', 'b', 'c']);
});

test('LaneConnection: while a request waits nothing is read, and the next one follows its answer', async () => {
  const side = new Side();
  const gate = Promise.withResolvers<void>();
  side.broker.gate = gate.promise;
  side.broker.isReady = false;

  await side.send(pub('a') + pub('b'));
  const waiting = [...side.published];
  const wasPaused = side.client.isPaused;
  side.broker.isReady = true;
  gate.resolve();
  await turns();
  await side.endTurn();

  assert.deepEqual([waiting, wasPaused], [['a'], true]);
  assert.deepEqual(side.published, ['a', 'b']);
  assert.deepEqual(side.answers, ['200', '200']);
  assert.equal(side.client.isPaused, false);
});

test('LaneConnection: a request that comes byte by byte is one request', async () => {
  const side = new Side();
  const text = pub('hello');

  for (const byte of text) await side.send(byte);
  await side.endTurn();

  assert.deepEqual(side.published, ['hello']);
  assert.deepEqual(side.answers, ['200']);
  assert.equal(side.told[0], 'unfinished');
  assert.deepEqual(side.told.slice(-1), ['finished']);
  assert.equal(side.connection.isSilent, false);
});

test('LaneConnection: input behind a whole request is kept, though the read buffer is used again', async () => {
  const side = new Side();
  const chunk = Buffer.from(pub('first') + pub('second').slice(0, -3), 'latin1');

  side.client.socket.emit('data', chunk);
  chunk.fill('#');
  await side.send(pub('second').slice(-3));

  assert.deepEqual(side.published, ['first', 'second']);
});

test('LaneConnection: what is no publish leaves the lane, behind the answers before it', async () => {
  const side = new Side();

  await side.send(pub('a') + PING + pub('b'));

  assert.equal(side.leftInput, PING + pub('b'));
  assert.deepEqual(side.answers, ['200']);
  assert.deepEqual(side.published, ['a']);
  assert.equal(side.left, side.client.socket);
  assert.deepEqual(side.told, ['gone']);
});

test('LaneConnection: a body above the limit leaves the lane before it has come', async () => {
  for (const length of [BODY_BYTES_MAX, BODY_BYTES_MAX + 1]) {
    const side = new Side();
    const head = pub('x'.repeat(length)).slice(0, -length);

    await side.send(head);

    assert.equal(side.left !== null, length > BODY_BYTES_MAX);
    if (side.left !== null) assert.equal(side.leftInput, head);
  }
});

test('LaneConnection: leaving it takes along the part of a request that has come', async () => {
  const side = new Side();
  const part = pub('abc').slice(0, -1);

  await side.send(pub('first') + part);
  side.connection.leaveLane();
  await side.send('c');

  assert.equal(side.leftInput, pub('abc'));
  assert.deepEqual(side.published, ['first']);
});

test('LaneConnection: a client that floods is stopped for a turn, and loses nothing', async () => {
  const side = new Side();

  await side.send(pub('a').repeat(FLOOD));
  const first = side.published.length;
  const wasPaused = side.client.isPaused;
  await side.endTurn();
  const second = side.published.length;
  for (let turn = 0; turn < TURNS_MAX; turn++) await side.endTurn();

  assert.ok(first > 0 && first < FLOOD / 2, `${first} in the first turn`);
  assert.ok(second > first && second < FLOOD, `${second} in two turns`);
  assert.deepEqual([wasPaused, side.client.isPaused], [true, false]);
  assert.equal(side.answers.length, FLOOD);
});

test('LaneConnection: a client that takes no answers is not read until it has', async () => {
  const side = new Side();
  side.client.isStalled = true;

  // Answers of a message without bytes are longer than its request.
  for (let turn = 0; turn < TURNS_MAX && !side.client.isPaused; turn++) {
    await side.send(pub('').repeat(100));
    await side.endTurn();
  }
  const untaken = side.client.socket.writableLength;
  await side.send(pub('late'));
  const publishedBefore = side.published.length;
  side.client.isStalled = false;
  side.client.take();
  await turns();

  assert.ok(untaken > 64 * 1024, `${untaken} bytes are not taken`);
  assert.equal(publishedBefore, 0);
  assert.deepEqual(side.published, ['late']);
});

test('LaneConnection: an answer does not make it read a client that takes none', async () => {
  const side = new Side();
  const gate = Promise.withResolvers<void>();
  side.broker.gate = gate.promise;
  side.client.isStalled = true;
  const refused = pub('').repeat(100);

  // So many that the next turn writes more than may be untaken, then one that waits.
  for (let turn = 0; turn < TURNS_MAX && side.statuses.length < 600; turn++) {
    await side.send(refused);
    side.budget.nextTurn();
  }
  side.broker.isReady = false;
  await side.send(pub('waits'));
  await side.endTurn();
  gate.resolve();
  await turns();
  await side.send(pub('late'));

  assert.equal(side.statuses.at(-1), 200);
  assert.deepEqual(side.published, ['waits']);
  assert.equal(side.client.isPaused, true);
});

test('LaneConnection: Connection: close is answered and obeyed, and nothing behind it is done', async () => {
  const side = new Side();

  await side.send(pub('a') + pub('last', 'Connection: close\r\n') + pub('b'));
  await side.endTurn();

  assert.deepEqual(side.published, ['a', 'last']);
  assert.deepEqual(side.answers, ['200', '200 close']);
  assert.equal(side.client.isDestroyed, true);
});

test('LaneConnection: a client that ends its side is answered, then the connection closed', async () => {
  const side = new Side();

  await side.send(pub('a'));
  side.client.end();
  await turns();
  const before = side.client.isDestroyed;
  await side.endTurn();

  assert.deepEqual([before, side.client.isDestroyed], [false, true]);
  assert.deepEqual(side.answers, ['200']);
});

test('LaneConnection: a client that ends its side within a request leaves the lane with that', async () => {
  const side = new Side();
  const part = pub('abc').slice(0, -1);

  await side.send(part);
  side.client.end();
  await turns();

  assert.equal(side.leftInput, part);
  assert.notEqual(side.left, side.client.socket);
});

test('LaneConnection: when the server ends, an idle connection closes, and a busy one after its answer', async () => {
  const idle = new Side();
  await idle.send(pub('a'));
  await idle.endTurn();
  const busy = new Side();
  const gate = Promise.withResolvers<void>();
  busy.broker.gate = gate.promise;
  busy.broker.isReady = false;
  await busy.send(pub('a'));
  const half = new Side();
  await half.send(pub('abc').slice(0, -1));

  for (const { connection } of [idle, busy, half]) connection.close();
  const wasDestroyed = busy.client.isDestroyed;
  gate.resolve();
  await turns();
  await busy.endTurn();

  assert.deepEqual([idle.client.isDestroyed, idle.answers], [true, ['200']]);
  assert.deepEqual([wasDestroyed, busy.client.isDestroyed], [false, true]);
  assert.deepEqual(busy.answers, ['200 close']);
  assert.equal(half.leftInput, pub('abc').slice(0, -1));
});

test('LaneConnection: an error of the broker is an answer, is logged, and keeps the connection', async () => {
  const fail = (): never => {
    throw new TypeError('unforeseen');
  };
  for (const [broken, path] of [
    ['tryPublish', '/pub'],
    ['hasTopic', '/mpub'],
  ] as const) {
    const side = new Side();
    side.broker[broken] = fail;

    await side.send(pub('a').replace('/pub', path));
    await side.endTurn();

    assert.deepEqual(side.answers, ['500']);
    assert.match(side.log[0], /^ERROR: panic in HTTP handler - HTTP client 127.*unforeseen/s);
    assert.deepEqual([side.client.isDestroyed, side.client.isPaused], [false, false]);
  }
});

test('LaneConnection: what a waiting request holds counts until its answer, or until its client has gone', async () => {
  for (const isGone of [false, true]) {
    const side = new Side();
    const gate = Promise.withResolvers<void>();
    side.broker.gate = gate.promise;
    side.broker.isReady = false;
    await side.send(pub('a'));
    const before = side.told.length;

    // As the request does.
    side.connection.hold(500);
    if (isGone) side.client.socket.destroy();
    else gate.resolve();
    await turns();

    const last = isGone ? 'gone' : 'finished';
    assert.deepEqual(side.told.slice(before), ['holds 500', 'holds nothing', last]);
  }
});

test('LaneConnection: an answer that comes when the client has gone is for nobody', async () => {
  const side = new Side();
  const gate = Promise.withResolvers<void>();
  side.broker.gate = gate.promise;
  side.broker.isReady = false;
  await side.send(pub('a') + pub('b'));

  side.client.socket.destroy(new Error('reset by the peer'));
  await turns();
  gate.resolve();
  await turns();
  await side.endTurn();

  assert.deepEqual(side.published, ['a']);
  assert.deepEqual([side.statuses, side.answers], [[], []]);
  assert.deepEqual(side.told.slice(-1), ['gone']);
});
