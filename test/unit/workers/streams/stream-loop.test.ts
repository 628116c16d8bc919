import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeControl } from '../../../../src/shared/control.ts';
import * as disk from '../../../../src/workers/disk-records.ts';
import * as stream from '../../../../src/workers/stream-records.ts';
import { StreamSide, storedMessage } from '../../../support/stream-side.ts';

const RETRY_MS = 500;
const KEEP_MS = 5000;
const FIGURES = { unread: 7, taken: 3, messages: 9, readTo: 2, handed: 2, isFull: false };

/** A side whose channel is open as queue 2, with these messages handed over. */
async function holding(...bodies: readonly string[]): Promise<StreamSide> {
  const side = new StreamSide();
  await side.opened(2, 'r', 'c');
  side.pump.send(stream.PULL, [2, 10, 1000]);
  await side.turns();
  for (const body of bodies) side.store.pulls[0].onMessage(storedMessage(body));
  await side.turns();
  side.calls();
  return side;
}

test('StreamLoop: requests for a queue wait until the store has it, and keep their order', async () => {
  const side = new StreamSide();
  side.pump.open(2, 'r', 'c');
  side.pump.append(2, 'a', 'b');
  side.pump.send(stream.PULL, [2, 10, 1000]);
  side.pump.send(disk.EMPTY_QUEUE, [2]);

  const before = await side.turns();
  const callsBefore = side.calls();
  side.store.settle('open');
  const after = await side.turns();

  assert.deepEqual([before, callsBefore], [[], ['open r:c']]);
  assert.deepEqual(side.calls(), ['publish r a', 'publish r b', 'pull r:c 10 1000', 'empty r:c']);
  assert.deepEqual(after, ['OPENED 2']);
});

test('StreamLoop: a write is answered when the store has all of it, in the order of the writes', async () => {
  const side = new StreamSide();
  await side.opened(1, 'r');
  side.pump.append(1, 'a', 'b');
  side.pump.append(1, 'c');
  await side.turns();

  side.store.settle('publish r c');
  side.store.settle('publish r a', 'no space is left');
  const early = await side.turns();
  side.store.settle('publish r b');
  const late = await side.turns();

  assert.deepEqual(early, []);
  assert.deepEqual(late, ['APPENDED 1: no space is left', 'APPENDED 1']);
});

test('StreamLoop: a queue that cannot be opened refuses writes, and is tried again half a second later', async () => {
  const side = new StreamSide();
  side.pump.open(1, 'r');
  side.pump.append(1, 'a');
  await side.turns();
  side.store.settle('open', 'no space is left');
  const refused = await side.turns();
  side.pump.append(1, 'b');
  const refusedNext = await side.turns();
  side.calls();

  await side.advance(RETRY_MS - 1);
  const early = side.calls();
  await side.advance(1);
  const due = side.calls();
  side.store.settle('open');
  const opened = await side.turns();
  side.pump.append(1, 'c');
  await side.turns();

  assert.deepEqual(refused, ['OPENED 1: no space is left', 'APPENDED 1: no space is left']);
  assert.deepEqual(refusedNext, ['APPENDED 1: no space is left']);
  assert.deepEqual([early, due, opened], [[], ['open r:'], ['OPENED 1']]);
  assert.deepEqual(side.calls(), ['publish r c']);
});

test('StreamLoop: the next attempt is a deadline of its own, unless another broker has deleted the topic', async () => {
  const side = new StreamSide();
  side.pump.open(1, 'r');
  await side.turns();
  await side.advance(RETRY_MS - 100);
  side.store.settle('open', 'not now');
  await side.turns();
  const dueMs = side.clock.monotonicMs() + RETRY_MS;
  // Meanwhile figures are asked for, as every half second.
  await side.advance(100);
  const { nextDeadlineMs } = side.loop;
  side.store.listener?.onEntry('r', '', 'gone');
  const withoutIt = side.loop.nextDeadlineMs;
  side.calls();
  await side.advance(RETRY_MS);

  assert.equal(nextDeadlineMs, dueMs);
  assert.ok(withoutIt > dueMs, 'a topic that is gone needs no turn');
  assert.deepEqual(side.calls(), []);
});

test('StreamLoop: without the store writes are refused, and pulls wait until it is there', async () => {
  const side = new StreamSide();
  await side.opened(1, 'r');
  await side.opened(2, 'r', 'c');
  side.calls();
  side.store.absence = 'the store is gone';
  side.store.listener?.onAbsence('the store is gone');
  side.pump.append(1, 'a');
  side.pump.send(stream.PULL, [2, 10, 1000]);
  const refused = await side.turns();
  const callsBefore = side.calls();

  side.store.absence = null;
  side.store.listener?.onAbsence(null);
  const back = await side.turns();

  assert.deepEqual(refused, ['store the store is gone', 'APPENDED 1: the store is gone']);
  assert.deepEqual([callsBefore, back], [[], ['store']]);
  assert.deepEqual(side.calls(), ['pull r:c 10 1000']);
});

test('StreamLoop: a store that comes back opens at once what waits for an attempt', async () => {
  const side = new StreamSide();
  side.pump.open(1, 'r');
  await side.turns();
  side.store.settle('open', 'the store is gone');
  await side.turns();
  side.calls();

  side.store.listener?.onAbsence(null);
  await side.turns();

  assert.deepEqual(side.calls(), ['open r:']);
});

test('StreamLoop: messages are handed over by number, and finished or given back by it', async () => {
  const side = new StreamSide();
  await side.opened(2, 'r', 'c');
  side.pump.send(stream.PULL, [2, 10, 1000]);
  await side.turns();
  side.calls();
  const [pull] = side.store.pulls;
  for (const body of ['a', 'b', 'c', 'd']) pull.onMessage(storedMessage(body));
  const dueMs = Number(side.clock.unixNs() / 1_000_000n) + 3000;
  pull.onMessage(storedMessage('not yet due', { dueMs }));
  pull.onEnd();
  const handed = await side.turns();

  side.pump.send(disk.FINISH, [2, 0, 2, 77, 1]);
  side.pump.send(disk.UPDATE, [2, 2, 1, Math.floor(dueMs / 2 ** 32), dueMs % 2 ** 32]);
  side.pump.send(disk.UPDATE, [2, 2, 1, 0, 0]);
  await side.turns();

  assert.deepEqual(handed, ['RECORDS 2 from 0 a b c d', 'PULLED 2']);
  assert.deepEqual(side.calls(), [
    'give back receipt of not yet due 3000',
    'finish receipt of a',
    'finish receipt of b',
    'give back receipt of c 3000',
  ]);
});

test('StreamLoop: when nobody wants messages, the pull ends and what still comes goes back', async () => {
  const side = await holding('a');
  side.pump.send(stream.REST, [2]);
  await side.turns();
  side.store.pulls[0].onMessage(storedMessage('b'));
  side.store.pulls[0].onEnd();
  const answers = await side.turns();

  assert.deepEqual(side.calls(), ['cancel', 'give back receipt of b 0']);
  assert.deepEqual(answers, ['PULLED 2']);
});

test('StreamLoop: closing gives everything back, also what still comes, and no answer follows', async () => {
  const side = await holding('a');
  side.store.pulls[0].onMessage(storedMessage('b'));
  side.pump.send(disk.CLOSE, [2]);
  const answers = await side.turns();
  const calls = side.calls();
  side.store.pulls[0].onMessage(storedMessage('late'));
  side.store.pulls[0].onEnd();
  const after = await side.turns();

  assert.deepEqual(calls, ['cancel', 'give back receipt of a 0', 'give back receipt of b 0']);
  assert.deepEqual([answers, after], [['RECORDS 2 from 1 b', 'CLOSED 2'], []]);
  assert.deepEqual(side.calls(), ['give back receipt of late 0']);
  side.pump.send(disk.FINISH, [2, 0, 1]);
  assert.throws(() => side.loop.step(side.clock.monotonicMs()), /a queue that was opened/);
});

test('StreamLoop: the store hears every five seconds what is still held, and nothing while it is away', async () => {
  const side = await holding('a');
  await side.advance(KEEP_MS);
  const first = side.calls();
  await side.advance(KEEP_MS - 1);
  const early = side.calls();
  side.store.absence = 'the store is gone';
  await side.advance(1);
  const away = side.calls();
  side.store.absence = null;
  side.pump.send(disk.FINISH, [2, 0, 1]);
  await side.advance(KEEP_MS);

  assert.deepEqual([first, early, away], [['keep receipt of a'], [], []]);
  assert.deepEqual(side.calls(), ['finish receipt of a']);
});

test('StreamLoop: deleting waits for the store, forgets what is held, and refuses what it has not answered', async () => {
  for (const error of [null, 'not now']) {
    const side = await holding('a');
    side.pump.append(2, 'x');
    await side.turns();
    side.calls();
    side.pump.send(disk.DELETE, [2]);
    const before = await side.turns();
    await side.advance(KEEP_MS);
    side.store.settle('delete', error);
    const after = await side.turns();

    const answer = error === null ? 'DELETED 2' : 'DELETED 2: not now';
    assert.deepEqual([before, after], [[], ['APPENDED 2: the topic is deleted', answer]]);
    assert.deepEqual(side.calls(), ['delete r:c']);
  }
});

test('StreamLoop: what another broker has deleted is not asked of the store again', async () => {
  const side = await holding('a');
  await side.opened(3, 'r', 'other');
  side.pump.send(stream.PULL, [3, 10, 1000]);
  await side.turns();
  side.store.pulls[1].onMessage(storedMessage('b'));
  await side.turns();
  side.calls();
  side.store.pulls[0].onMessage(storedMessage('not handed over yet'));
  side.store.listener?.onEntry('r', 'c', 'gone');
  const told = await side.turns();
  await side.advance(KEEP_MS);
  side.pump.send(disk.DELETE, [2]);
  const answers = await side.turns();

  assert.deepEqual(told, ['replicated r c gone']);
  assert.deepEqual(answers, ['DELETED 2']);
  // The other channel goes on.
  assert.deepEqual(side.calls(), ['keep receipt of b']);
});

test('StreamLoop: a topic that is gone takes its channels with it', async () => {
  const side = await holding('a');
  side.store.listener?.onEntry('r', '', 'gone');
  await side.advance(KEEP_MS);

  assert.deepEqual(side.calls(), []);
});

test('StreamLoop: emptying forgets what is held, and tells the reason if it fails', async () => {
  const side = await holding('a');
  side.pump.send(disk.EMPTY_QUEUE, [2]);
  side.pump.send(disk.FINISH, [2, 0, 1]);
  await side.turns();
  side.store.settle('empty', 'not now');
  const answers = await side.turns();

  assert.deepEqual([side.calls(), answers], [['empty r:c'], ['EMPTIED 2: not now']]);
});

test('StreamLoop: pauses, channels with a start, and policies go to the store', async () => {
  const side = new StreamSide();
  await side.opened(1, 'r');
  side.calls();
  side.pump.send(stream.PAUSE, [1, 1]);
  side.pump.send(stream.START, [1], encodeControl({ channel: 'c', start: { sequence: 5 } }));
  side.pump.send(stream.SHARE, [9], encodeControl({ name: 'p', text: '{}' }));
  await side.turns();
  side.store.settle('start', 'the channel exists');
  side.store.settle('share');
  const answers = await side.turns();

  assert.deepEqual(side.calls(), ['pause r true', 'start r:c {"sequence":5}', 'share p {}']);
  assert.deepEqual(answers.sort(), ['SHARED 9', 'STARTED 1: the channel exists']);
});

test('StreamLoop: figures of the store are told, without what this broker holds itself', async () => {
  const side = await holding('a');
  side.store.known = FIGURES;
  const answers = await side.advance(RETRY_MS);

  assert.deepEqual(answers, ['FIGURES 2 7 2']);
});

test('StreamLoop: a new queue has its figures in the next round, however many others there are', async () => {
  const side = new StreamSide();
  const perRound = 64;
  for (let queue = 0; queue <= perRound; queue++) side.pump.open(queue, `r${queue}`);
  await side.turns();
  for (let queue = 0; queue <= perRound; queue++) side.store.settle(`open r${queue}:`);
  await side.turns();
  await side.advance(RETRY_MS);
  const first = side.store.figuresCount;
  await side.opened(99, 'new');
  await side.advance(RETRY_MS);

  assert.deepEqual([first, side.store.figuresCount], [perRound, perRound + 2]);
});

test('StreamLoop: a queue that the store has lost is created again', async () => {
  const side = await holding();
  side.store.known = null;
  await side.advance(RETRY_MS);
  side.pump.append(2, 'x');
  await side.turns();
  const before = side.calls();
  await side.advance(RETRY_MS);
  side.store.settle('open');
  await side.turns();

  assert.deepEqual([before, side.calls()], [[], ['open r:c', 'publish r x']]);
});

test('StreamLoop: what the store tells of itself goes to one pump, once', async () => {
  const side = new StreamSide(2);
  side.store.listener?.onAbsence('not yet');
  side.store.listener?.onEntry('r', 'c', 'paused');
  side.store.listener?.onPolicy({ name: 'p', text: null });
  side.store.listener?.log(3, 'STORE: slow');
  const told = await side.turns();

  assert.deepEqual(told, ['store not yet', 'replicated r c paused', 'policy p', 'log STORE: slow']);
  assert.deepEqual([side.pumps[1].take(), side.wakes], [[], 3]);
});

test('StreamLoop: while answers have no room, no more requests are taken', async () => {
  const side = new StreamSide(1, 1024);
  const count = 100;
  for (let queue = 0; queue < count; queue++) side.pump.open(queue, `r${queue}`);
  side.loop.step(side.clock.monotonicMs());
  for (let queue = 0; queue < count; queue++) side.store.settle(`open r${queue}:`);
  await new Promise((resolve) => setImmediate(resolve));
  side.loop.step(side.clock.monotonicMs());
  side.pump.append(0, 'x');
  side.loop.step(side.clock.monotonicMs());
  const before = side.calls().includes('publish r0 x');
  const answers: string[] = [];
  for (let turn = 0; turn < count; turn++) answers.push(...(await side.turns()));

  assert.equal(before, false);
  assert.equal(answers.length, count);
  assert.deepEqual(side.calls(), ['publish r0 x']);
});

test('StreamLoop: it ends when all pumps have, and the store has closed, in whatever way', async () => {
  for (const error of [null, 'the connection is gone']) {
    const side = new StreamSide(2);
    side.pumps[0].send(disk.END, []);
    await side.turns();
    const early = side.calls();
    side.pumps[1].send(disk.END, []);
    await side.turns();
    const closing = [side.calls(), side.loop.isDone];
    side.store.settle('close', error);
    await side.turns();

    assert.deepEqual([early, closing], [[], [['close'], false]]);
    assert.equal(side.loop.isDone, true);
    assert.deepEqual(side.calls(), []);
  }
});
