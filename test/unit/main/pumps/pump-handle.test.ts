import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ControlRequest } from '../../../../src/shared/control.ts';
import * as records from '../../../../src/shared/records.ts';
import { MainRings } from '../../../support/main-rings.ts';
import { policyWith } from '../../../support/topic-policies.ts';

const TIMESTAMP = 1_700_000_000_000_000_000n;
const SMALL = { publishBytes: 128 * 1024, commandBytes: 1024 * 1024 };
const MEDIUM = { ...SMALL, publishBytes: 1024 * 1024 };

/** Fills the command ring with requests until some of them have to wait. Returns all of them. */
function fillCommands(rings: MainRings): ControlRequest[] {
  const requests = Array.from(
    { length: 200 },
    (_, topic): ControlRequest => ({
      do: 'createTopic',
      topic,
      name: 'n'.repeat(8000),
      isPaused: false,
      isStarted: true,
      isReplicated: false,
      policy: policyWith(),
    }),
  );
  for (const request of requests) void rings.handle.request(request);
  return requests;
}

test('PumpHandle: publishes to one topic share a record, which flush makes visible', () => {
  const rings = new MainRings();
  rings.publish(7, ['a']);
  rings.publish(7, ['b', 'c']);
  const before = [rings.takePublishes(), rings.rings];

  rings.handle.flush();

  const part = { first: 0, followingCount: 0, followingBytes: 0 };
  const common = { token: 0, deferMs: 0, timestamp: TIMESTAMP, part };
  assert.deepStrictEqual(before, [[], 0]);
  assert.deepStrictEqual(rings.takePublishes(), [
    { topic: 7, count: 3, bodies: ['a', 'b', 'c'], ...common },
  ]);
  assert.deepStrictEqual([rings.rings, rings.flushRequests > 0], [1, true]);
});

test('PumpHandle: a pump that dozes is left alone by publishes that need no answer', () => {
  const rings = new MainRings();
  rings.doze();
  const after = (act: () => void): number => {
    const before = rings.rings;
    act();
    rings.handle.flush();
    return rings.rings - before;
  };

  const plain = after(() => rings.publish(7, ['a']));
  const answered = after(() => rings.publish(7, ['b'], 0, 9));
  const deferred = after(() => rings.publish(7, ['c'], 500));
  const command = after(() => rings.handle.setReady(1, 1));
  const request = after(() => void rings.handle.request({ do: 'close' }));
  const plainAgain = after(() => rings.publish(7, ['d']));

  assert.deepStrictEqual(
    { plain, answered, deferred, command, request, plainAgain },
    { plain: 0, answered: 1, deferred: 1, command: 1, request: 1, plainAgain: 0 },
  );
  const bodies = rings.takePublishes().flatMap((taken) => taken.bodies);
  assert.deepStrictEqual(bodies, ['a', 'b', 'c', 'd']);
});

test('PumpHandle: a pump that dozes is woken when publishes have come to 64 KiB', () => {
  const rings = new MainRings();
  rings.doze();
  const counts: number[] = [];
  for (let count = 0; count < 9; count++) {
    rings.publish(7, ['x'.repeat(16_000)]);
    rings.handle.flush();
    counts.push(rings.rings);
  }

  assert.deepStrictEqual(counts, [0, 0, 0, 0, 1, 1, 1, 1, 1]);
});

test('PumpHandle: a publish without room wakes a pump that dozes', () => {
  const rings = new MainRings(SMALL);
  rings.doze();
  const before = rings.rings;

  let takenCount = 0;
  while (takenCount < 100 && rings.publish(1, ['b'.repeat(10_000)])) takenCount++;

  assert.deepStrictEqual([takenCount < 100, before, rings.rings], [true, 0, 1]);
});

test('PumpHandle: another topic, a delay and a token begin a record of their own', () => {
  const rings = new MainRings();
  rings.publish(1, ['a']);
  rings.publish(2, ['b']);
  rings.publish(2, ['c'], 500);
  rings.publish(2, ['d'], 0, 9);
  rings.publish(2, ['e']);

  rings.handle.flush();

  const taken = rings.takePublishes();
  assert.deepStrictEqual(
    taken.map(({ topic, deferMs, token, bodies }) => [topic, deferMs, token, ...bodies]),
    [
      [1, 0, 0, 'a'],
      [2, 0, 0, 'b'],
      [2, 500, 0, 'c'],
      [2, 0, 9, 'd'],
      [2, 0, 0, 'e'],
    ],
  );
});

test('PumpHandle: a record is as large as its batch, or its only message', () => {
  const rings = new MainRings();
  const bodies = ['a'.repeat(40_000), 'b'.repeat(20_000), 'c'.repeat(20_000), 'd'];
  for (const body of bodies) rings.publish(1, [body]);

  rings.handle.flush();

  const counts = rings.takePublishes().map(({ count }) => count);
  assert.deepStrictEqual(counts, [1, 1, 2]);
});

test('PumpHandle: a publish that finds no room is refused, and told when there is room', () => {
  const rings = new MainRings(SMALL);
  const body = 'x'.repeat(30_000);
  let sent = 0;
  while (rings.publish(1, [`${sent}${body}`])) sent++;
  let told = 0;
  rings.handle.onWritable(1, () => told++);
  rings.handle.flush();
  rings.handle.notifyWritable();
  const before = told;
  const taken = rings.takePublishes();

  rings.handle.notifyWritable();
  rings.handle.notifyWritable();

  assert.deepStrictEqual([before, told], [0, 1]);
  assert.deepStrictEqual(taken.length, sent);
  assert.equal(rings.publish(1, [body]), true);
});

test('PumpHandle: those that wait are told in their order, as long as there is room', () => {
  const rings = new MainRings(SMALL);
  const body = 'x'.repeat(30_000);
  while (rings.publish(1, [body]));
  const told: string[] = [];
  const wait = (name: string): void => {
    rings.handle.onWritable(1, () => {
      told.push(name);
      if (!rings.publish(1, [body])) wait(name);
    });
  };
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) wait(name);
  const turns: string[] = [];
  for (let turn = 0; turn < 3; turn++) {
    rings.handle.flush();
    rings.takePublishes();
    rings.handle.notifyWritable();
    turns.push(told.splice(0).join(''));
  }

  // The one that is told last in a turn finds no room, and is the first in the next.
  assert.deepStrictEqual(turns, ['abcd', 'def', '']);
});

test('PumpHandle: publishes to a topic that is held find no room, and those to others do', () => {
  const rings = new MainRings(MEDIUM);
  const told: string[] = [];
  rings.handle.hold(1, true);
  const taken = [rings.publish(1, ['a'])];
  rings.handle.onWritable(1, () => told.push('held'));
  rings.handle.onWritable(2, () => told.push('other'));
  rings.handle.notifyWritable();
  taken.push(rings.publish(2, ['x'.repeat(40_000)]));
  const before = told.splice(0);
  rings.handle.hold(1, false);
  rings.handle.notifyWritable();
  taken.push(rings.publish(1, ['a']));

  assert.deepStrictEqual([taken, before, told], [[false, true, true], ['other'], ['held']]);
});

test('PumpHandle: large publishes stay behind one that waits, small ones need not', () => {
  const rings = new MainRings(MEDIUM);
  const [larger, large, small] = [400_000, 40_000, 1000].map((bytes) => 'x'.repeat(bytes));
  while (rings.publish(1, [large]));
  let isSent = false;
  const send = (): void => {
    isSent = rings.publish(1, [larger]);
    if (!isSent) rings.handle.onWritable(1, send);
  };
  send();
  rings.handle.flush();
  rings.takePublishes();
  const overtaking = [rings.publish(2, [large]), rings.publish(2, [small])];
  rings.handle.flush();

  rings.handle.notifyWritable();

  assert.deepStrictEqual([overtaking, isSent], [[false, true], true]);
  assert.equal(rings.publish(2, [large]), true);
});

test('PumpHandle: a small publish finds room where large ones have found none', () => {
  const rings = new MainRings(MEDIUM);
  while (rings.publish(1, ['x'.repeat(40_000)]));

  const isTaken = rings.publish(2, ['x'.repeat(1000)]);

  assert.equal(isTaken, true);
});

test('PumpHandle: large publishes of one topic leave little in front of a small one of another', () => {
  const rings = new MainRings({ ...SMALL, publishBytes: 4 * 1024 * 1024 });
  let large = 0;
  while (rings.publish(1, ['x'.repeat(99_900)])) large++;
  let told = 0;
  rings.handle.onWritable(1, () => told++);
  const taken = [rings.publish(2, ['x'.repeat(1000)])];
  rings.handle.flush();
  rings.handle.notifyWritable();
  const before = told;
  rings.takePublishes();
  rings.handle.notifyWritable();
  taken.push(rings.publish(1, ['x'.repeat(1_000_000)]), rings.publish(1, ['x'.repeat(40_000)]));

  // 1 MiB, and the one with which it is more; a larger one goes into a ring that is empty.
  assert.deepStrictEqual([large, before, told, taken], [11, 0, 1, [true, true, true]]);
});

test('PumpHandle: notifyWritable says whether anybody has gone on', () => {
  const rings = new MainRings(SMALL);
  while (rings.publish(1, ['x'.repeat(30_000)]));
  rings.handle.onWritable(1, () => undefined);
  rings.handle.flush();
  const outcomes = [rings.handle.notifyWritable()];
  rings.takePublishes();
  outcomes.push(rings.handle.notifyWritable(), rings.handle.notifyWritable());

  assert.deepStrictEqual(outcomes, [false, true, false]);
});

test('PumpHandle: requests that notifyWritable has found room for are shown by a flush that it asks for', () => {
  const rings = new MainRings(SMALL);
  fillCommands(rings);
  rings.handle.flush();
  rings.takeCommands();
  rings.flushRequests = 0;

  const hasNotified = rings.handle.notifyWritable();

  assert.deepStrictEqual([hasNotified, rings.flushRequests > 0], [true, true]);
});

test('PumpHandle: commands are told of room although publishes have none', () => {
  const rings = new MainRings(SMALL);
  const { handle } = rings;
  const body = 'x'.repeat(30_000);
  while (rings.publish(1, [body]));
  const told: string[] = [];
  handle.onWritable(1, () => told.push('publish'));
  handle.onCommandWritable(() => told.push('command'));

  handle.notifyWritable();
  const before = [...told];
  rings.takePublishes();
  handle.notifyWritable();

  assert.deepStrictEqual([before, told], [['command'], ['command', 'publish']]);
});

test('PumpHandle: publishBytesMax is what one publish can take', () => {
  const rings = new MainRings(SMALL);
  const most = rings.handle.publishBytesMax;

  const isTaken = rings.publish(1, ['x'.repeat(most - 4)]);

  rings.handle.flush();
  assert.deepStrictEqual([isTaken, rings.takePublishes().length], [true, 1]);
  assert.throws(() => rings.publish(1, ['x'.repeat(most - 3)]));
});

test('PumpHandle: FINs of one consumer share a record, up to 1024 of them', () => {
  const rings = new MainRings();
  for (let id = 0; id < 1025; id++) rings.handle.finish(5, 1, id);
  rings.handle.finish(6, 1, 2);
  rings.handle.finish(5, 3, 4);

  rings.handle.flush();

  const taken = rings.takeCommands();
  const heads = taken.map((record) => (Array.isArray(record) ? record.slice(0, 2) : record));
  assert.deepStrictEqual(heads, [
    [records.FINISH, 5],
    [records.FINISH, 5],
    [records.FINISH, 6],
    [records.FINISH, 5],
  ]);
  const ids = (consumer: number): number[][] =>
    taken.flatMap((record) => (Array.isArray(record) && record[1] === consumer ? [record] : []));
  assert.deepStrictEqual(ids(6), [[records.FINISH, 6, 1, 2]]);
  assert.deepStrictEqual(
    ids(5).map((record) => [record.length, ...record.slice(-2)]),
    [
      [2 + 2 * 1024, 1, 1023],
      [4, 1, 1024],
      [4, 3, 4],
    ],
  );
});

test('PumpHandle: commands keep their order among FINs', () => {
  const rings = new MainRings();
  const { handle } = rings;
  handle.finish(5, 1, 1);
  handle.requeue(5, 1, 2, 4_000_000_000);
  handle.touch(5, 1, 3);
  handle.finish(5, 1, 4);
  handle.setReady(5, 10);
  handle.credit(5, 4096);
  handle.barrier(() => undefined);

  handle.flush();

  assert.deepStrictEqual(rings.takeCommands(), [
    [records.FINISH, 5, 1, 1],
    [records.REQUEUE, 5, 1, 2, 4_000_000_000],
    [records.TOUCH, 5, 1, 3],
    [records.FINISH, 5, 1, 4],
    [records.READY, 5, 10],
    [records.CREDIT, 5, 4096],
    [records.BARRIER, 1],
  ]);
});

test('PumpHandle: a request carries the position behind what was published before', async () => {
  const rings = new MainRings();
  rings.publish(1, ['a']);
  const reply = rings.handle.request({ do: 'settle' });
  rings.publish(1, ['b']);
  const { token, position } = rings.nextControl();
  const [first] = rings.takePublishes();
  rings.handle.flush();
  const [second] = rings.takePublishes();

  rings.handle.onReply(token, { error: 'no' });

  assert.deepStrictEqual([first.bodies, second.bodies], [['a'], ['b']]);
  // One record: header, fields, size and body, rounded up to 8 bytes.
  assert.deepStrictEqual(position, 56);
  assert.deepStrictEqual(await reply, { error: 'no' });
});

test('PumpHandle: a long request goes in pieces', () => {
  const rings = new MainRings();
  const topics = Array.from({ length: 50_000 }, (_, index) => 100_000 + index);
  const request: ControlRequest = { do: 'stats', topics, channels: [], consumers: [] };

  void rings.handle.request(request);

  assert.deepStrictEqual(rings.takeCommands(), [request]);
});

test('PumpHandle: requests that find no room wait, in order, with what comes behind them', () => {
  const rings = new MainRings(SMALL);
  const requests = fillCommands(rings);
  const { handle } = rings;
  handle.setReady(5, 1);
  handle.finish(5, 1, 1);
  handle.finish(5, 1, 2);
  handle.touch(5, 1, 3);
  const isPublished = rings.publish(1, ['too early']);
  const hadRoom = handle.hasCommandRoom();
  const taken: unknown[] = [];
  for (let turn = 0; turn < 50; turn++) {
    handle.flush();
    taken.push(...rings.takeCommands(20));
    handle.notifyWritable();
  }

  assert.deepStrictEqual([isPublished, hadRoom, handle.hasCommandRoom()], [false, false, true]);
  assert.deepStrictEqual(taken, [
    ...requests,
    [records.READY, 5, 1],
    [records.FINISH, 5, 1, 1],
    [records.FINISH, 5, 1, 2],
    [records.TOUCH, 5, 1, 3],
  ]);
});

test('PumpHandle: a caller that waits for room is called when requests no longer wait', () => {
  const rings = new MainRings(SMALL);
  fillCommands(rings);
  const told: number[] = [];
  rings.handle.onWritable(1, () => told.push(1));
  rings.handle.onCommandWritable(() => told.push(2));
  rings.handle.notifyWritable();
  const before = [...told];
  for (let turn = 0; turn < 5; turn++) {
    rings.takeCommands();
    rings.handle.notifyWritable();
  }

  assert.deepStrictEqual([before, told], [[], [2, 1]]);
});

test('PumpHandle: a listener may ask again while it is told', () => {
  const rings = new MainRings();
  let told = 0;
  const listener = (): void => {
    told++;
    rings.handle.onWritable(1, listener);
  };
  const commandListener = (): void => {
    told++;
    rings.handle.onCommandWritable(commandListener);
  };
  listener();
  commandListener();

  rings.handle.notifyWritable();

  assert.equal(told, 4);
});

test('PumpHandle: answers and replies find whom they are for, once', () => {
  const { handle } = new MainRings();
  const answers: unknown[] = [];
  const first = handle.nextAnswer((error) => answers.push(['first', error]));
  const second = handle.nextAnswer((error) => answers.push(['second', error]));
  const forgotten = handle.nextAnswer(() => answers.push('forgotten'));
  handle.forgetAnswer(forgotten);
  handle.onAnswer(second, 'disk full');
  handle.onAnswer(first, null);

  assert.deepStrictEqual(answers, [
    ['second', 'disk full'],
    ['first', null],
  ]);
  for (const token of [first, forgotten]) assert.throws(() => handle.onAnswer(token, null));
  assert.throws(() => handle.onReply(99, { error: null }));
});

test('PumpHandle: the bell is rung once a flush, and only if there is something', () => {
  const rings = new MainRings();
  rings.handle.flush();
  const before = rings.rings;
  rings.publish(1, ['a']);
  rings.handle.setReady(1, 1);
  rings.handle.flush();
  rings.handle.flush();

  assert.deepStrictEqual([before, rings.rings], [0, 1]);
});
