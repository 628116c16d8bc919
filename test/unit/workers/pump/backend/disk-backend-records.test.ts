import assert from 'node:assert/strict';
import { test } from 'node:test';
import { APPENDED, OPENED } from '../../../../../src/workers/disk-records.ts';
import { HAS_DUE_TIME } from '../../../../../src/workers/pump/backend/disk-backend-listener.ts';
import { BackendBench, record, UNIX_MS } from '../../../../support/backend-bench.ts';
import { bodiesIn, putInStore } from '../../../../support/pump-parts.ts';

/** Finishes messages, and drops them. */
function finish(bench: BackendBench, positions: readonly number[]): void {
  for (const position of positions) {
    bench.backend.finish(position, 1);
    bench.store.release(position, 1);
  }
}

test('DiskBackend: records are finished in whatever order, each run of them in a word or two', () => {
  const bench = new BackendBench().withRecords(2 ** 32 - 2, 'a', 'b', 'c', 'd', 'e');
  const [a, b, c, d, e] = bench.take();
  finish(bench, [d, a, b, c]);
  const first = bench.turn();
  finish(bench, [e]);
  const second = bench.turn();

  assert.deepStrictEqual(
    [first, second, bench.turn()],
    [['FINISH 1 1 4294967294-0'], ['FINISH 1 2'], []],
  );
  assert.equal(bench.store.referenceCount, 0);
});

test('DiskBackend: messages that were not read from its files are none of theirs', () => {
  const bench = new BackendBench().open();
  const position = putInStore(bench.store, ['a', 'b']);
  bench.backend.finish(position, 2);
  bench.backend.update(position, 1, 0);

  assert.deepStrictEqual(bench.turn(), []);
});

test('DiskBackend: what is known of messages that wait is sent', () => {
  const bench = new BackendBench().withRecords(7, 'a', 'b');
  const [a, b] = bench.take();
  bench.backend.update(a, 3, 0);
  bench.backend.update(b, 65_535, UNIX_MS + 2 ** 40);

  assert.deepStrictEqual(bench.turn(), [`UPDATE 1 7,3,0 8,65535,${UNIX_MS + 2 ** 40}`]);
});

test('DiskBackend: appends go before updates, and updates before what was finished', () => {
  const bench = new BackendBench().withRecords(0, 'a', 'b', 'c');
  const [a, b] = bench.take();
  finish(bench, [a]);
  bench.backend.update(b, 1, 0);
  bench.put('d');
  bench.backend.close(bench.done('closed'));
  const first = bench.turn();
  bench.disk.appendedOk(1, 3);

  assert.deepStrictEqual(first, ['APPEND 1 d', 'UPDATE 1 1,1,0', 'FINISH 1 0']);
  assert.deepStrictEqual(bench.turn(), ['CLOSE 1']);
});

test('DiskBackend: due times go with the messages of a write, and come back with a failed one', () => {
  const bench = new BackendBench().open();
  bench.putDue(500, 'a', 'b');
  bench.put('now');
  bench.putDue(2 ** 40, 'c');
  const counts = [bench.backend.depth, bench.backend.deferredCount];
  const sent = bench.turn();
  bench.disk.appendFailed(1, 'disk full');
  bench.turn();
  bench.nowMs = 1000;
  const again = bench.turn();
  bench.disk.answer(APPENDED, 1, 4, null, 3);
  bench.turn();

  const line = `APPEND 1 a@${UNIX_MS + 500} b@${UNIX_MS + 500} now c@${UNIX_MS + 2 ** 40}`;
  assert.deepStrictEqual([sent, again], [[line], [line]]);
  assert.deepStrictEqual(
    [counts, bench.backend.depth, bench.backend.deferredCount, bench.store.referenceCount],
    [[1, 3], 1, 3, 0],
  );
});

test('DiskBackend: messages without due times are written without, whatever was written before', () => {
  const bench = new BackendBench().open();
  bench.putDue(500, 'a');
  bench.turn();
  bench.put('b');
  const [request] = bench.turn();

  assert.deepStrictEqual(
    [request, bench.disk.appendedDueTimes],
    ['APPEND 1 b', [UNIX_MS + 500, 0]],
  );
});

test('DiskBackend: a large backlog with due times is written whole', () => {
  const bench = new BackendBench().open();
  const bodies = Array.from({ length: 9000 }, (_, i) => `${i}`);
  for (const [i, body] of bodies.entries()) bench.putDue(1 + (i % 3), body);
  const requests = bench.turn();
  for (const _ of requests) bench.disk.appendedOk(1, 0);
  bench.turn();

  assert.ok(requests.length > 1);
  assert.deepStrictEqual(
    bench.disk.appended.map(({ body }) => body),
    bodies,
  );
  assert.deepStrictEqual(
    bench.disk.appendedDueTimes,
    bodies.map((_, i) => UNIX_MS + 1 + (i % 3)),
  );
  assert.equal(bench.store.referenceCount, 0);
});

test('DiskBackend: of what is read the future is deferred, and the rest can be taken in order', () => {
  const bench = new BackendBench().open(6);
  bench.nowMs = 500;
  bench.backend.demand();
  bench.turn();
  const times = [0, 100, 501, 0, 900, 500];
  bench.disk.records(1, ['a', 'b', 'c', 'd', 'e', 'f'].map(record), 0, {
    dueTimes: times.map((time) => (time === 0 ? 0 : UNIX_MS + time)),
    first: 10,
  });
  bench.turn();

  const taken = bench.take();

  const described = [...bench.deferred, ...taken.map((position) => [position, 0])].map(
    ([position, dueMs]) =>
      `${bench.store.recordNumber(position)} ${bodiesIn(bench.store, position, 1)} ${dueMs}`,
  );
  assert.deepStrictEqual(described, [
    `12 c ${UNIX_MS + 501}`,
    `14 e ${UNIX_MS + 900}`,
    '10 a 0',
    '11 b 0',
    '13 d 0',
    '15 f 0',
  ]);
  finish(bench, taken);
  finish(
    bench,
    bench.deferred.map(([position]) => position),
  );
  assert.equal(bench.store.referenceCount, 0);
});

test('DiskBackend: deferred records are read although nobody asks, so that their time is known', () => {
  const bench = new BackendBench();
  bench.turn();
  bench.disk.answer(OPENED, 1, 3, null, 2);
  const requests = bench.turn();
  const counts = [bench.backend.depth, bench.backend.deferredCount];
  bench.disk.records(1, [record('a'), record('b')], 1, {
    dueTimes: [UNIX_MS + 10, UNIX_MS + 20],
  });
  bench.turn();

  assert.deepStrictEqual([requests, counts], [['READ 1'], [1, 2]]);
  assert.deepStrictEqual([bench.backend.depth, bench.backend.deferredCount], [1, 0]);
  assert.equal(bench.deferred.length, 2);
});

test('DiskBackend: deferred records stay on disk while memory is full', () => {
  const bench = new BackendBench();
  bench.hasRoom = false;
  bench.turn();
  bench.disk.answer(OPENED, 1, 2, null, 2);
  const whileFull = bench.turn();
  bench.hasRoom = true;
  const log = bench.log.splice(0);
  bench.backend.demand();

  assert.deepStrictEqual([whileFull, log], [[], ['readable', 'starved']]);
  assert.deepStrictEqual(bench.turn(), ['READ 1']);
});

test('DiskBackend: reads nothing that it may not, and says that it would', () => {
  const bench = new BackendBench().open(1);
  bench.mayRead = false;
  bench.backend.demand();
  const starved = [bench.turn(), bench.log.splice(0)];
  bench.mayRead = true;
  bench.backend.demand();

  assert.deepStrictEqual([starved, bench.turn()], [[[], ['starved']], ['READ 1']]);
});

test('DiskBackend: reads no more while something is fetched', () => {
  const bench = new BackendBench().open(3);
  bench.backend.demand();
  bench.turn();
  bench.disk.records(1, [record('a'), record('b')], 1);
  bench.turn();
  bench.backend.take(1);
  bench.backend.demand();
  const whileFetched = bench.turn();
  bench.backend.take(1);
  bench.backend.demand();

  assert.deepStrictEqual([whileFetched, bench.turn()], [[], ['READ 1']]);
});

test('DiskBackend: a topic has deferred records among the others, in their order', () => {
  const bench = new BackendBench({ owner: 'topic' });
  bench.turn();
  bench.disk.answer(OPENED, 1, 3, null, 1);
  const unasked = bench.turn();
  bench.backend.demand();
  bench.turn();
  bench.disk.records(1, ['a', 'b', 'c'].map(record), 0, { dueTimes: [0, UNIX_MS + 50, 0] });
  bench.turn();
  const tags: [number, number][] = [];
  const { fetched } = bench.backend;
  for (; fetched.count > 0; fetched.take(1)) {
    tags.push([fetched.tag, bench.store.recordDueMs(fetched.position)]);
  }

  assert.deepStrictEqual(unasked, []);
  assert.deepStrictEqual(tags, [
    [0, 0],
    [HAS_DUE_TIME, UNIX_MS + 50],
    [0, 0],
  ]);
});

test('DiskBackend: empty forgets what was to be told of records, and counts nothing until it is answered', () => {
  const bench = new BackendBench().withRecords(0, 'a', 'b', 'c');
  const [a, b] = [bench.backend.fetched.position, bench.backend.fetched.position + 1];
  bench.backend.take(2);
  bench.backend.update(b, 1, UNIX_MS + 5);
  finish(bench, [a]);
  bench.store.release(b, 1);
  bench.backend.empty(bench.done('emptied'));
  const requests = bench.turn();
  bench.putDue(5, 'd');
  bench.turn();
  bench.backend.demand();
  const meanwhile = [bench.backend.depth, bench.backend.deferredCount, bench.backend.bytes];
  bench.disk.emptied(1);
  bench.disk.answer(APPENDED, 1, 1, null, 1);
  const after = bench.turn();

  assert.deepStrictEqual([requests, meanwhile, after], [['EMPTY_QUEUE 1'], [0, 1, 31], ['READ 1']]);
  assert.deepStrictEqual([bench.backend.depth, bench.backend.deferredCount], [0, 1]);
  assert.equal(bench.store.referenceCount, 0);
});

test('DiskBackend: two empties are answered one after the other', () => {
  const bench = new BackendBench().open(2);
  bench.backend.empty(bench.done('first'));
  bench.turn();
  bench.put('a');
  bench.turn();
  bench.backend.empty(bench.done('second'));
  const second = bench.turn();
  bench.disk.emptied(1);
  bench.disk.appendFailed(1, 'EIO');
  bench.turn();
  const depth = bench.backend.depth;
  bench.disk.emptied(1);
  bench.turn();

  assert.deepStrictEqual([second, depth], [['EMPTY_QUEUE 1'], 0]);
  assert.deepStrictEqual(bench.log, ['first: null', 'health EIO', 'second: null']);
  assert.equal(bench.store.referenceCount, 0);
});

test('DiskBackend: bytes are those of disk records, wherever the messages are', () => {
  const bench = new BackendBench().open();
  const steps: number[] = [];
  bench.put('x'.repeat(70), 'y'.repeat(20));
  steps.push(bench.backend.bytes);
  bench.turn();
  steps.push(bench.backend.bytes);
  bench.disk.answer(APPENDED, 1, 2, null, 0, 150);
  bench.turn();
  steps.push(bench.backend.bytes);
  bench.backend.demand();
  bench.turn();
  bench.disk.records(1, [record('x'.repeat(70)), record('y'.repeat(20))], 0);
  bench.put('z');
  bench.turn();
  bench.disk.answer(APPENDED, 1, 1, null, 0, 31);
  bench.turn();
  steps.push(bench.backend.bytes);
  bench.backend.take(1);
  steps.push(bench.backend.bytes);
  bench.backend.empty(() => undefined);
  steps.push(bench.backend.bytes);

  assert.deepStrictEqual(steps, [150, 150, 150, 181, 81, 0]);
});

test('DiskBackend: a close tells what is known of records, drops the copies, and keeps the records', () => {
  const bench = new BackendBench().withRecords(0, 'a', 'b', 'c');
  const { position } = bench.backend.fetched;
  bench.backend.take(1);
  bench.backend.update(position, 1, UNIX_MS + 99);
  bench.store.release(position, 1);
  bench.backend.close(bench.done('closed'));
  const requests = bench.turn();
  bench.disk.closed(1);
  bench.turn();

  assert.deepStrictEqual(requests, [`UPDATE 1 0,1,${UNIX_MS + 99}`, 'CLOSE 1']);
  assert.deepStrictEqual([bench.log, bench.store.referenceCount], [['ended', 'closed: null'], 0]);
});

test('DiskBackend: records that were given up are read again, before those that were never read', () => {
  const bench = new BackendBench().withRecords(4, 'a', 'b', 'c', 'd');
  for (const position of bench.take()) bench.store.release(position, 1);
  for (const number of [4, 5, 7]) bench.backend.reread(number);
  const { depth } = bench.backend;
  bench.backend.demand();
  const requests = [bench.turn()];
  const ab = [
    [4, record('a')],
    [5, record('bb')],
  ] as const;
  // The third does not fit the answer.
  bench.disk.reread(1, 2, new Map(ab), 3);
  requests.push(bench.turn());
  const bodies = bench.takeBodies();
  bench.backend.demand();
  requests.push(bench.turn());
  bench.disk.reread(1, 1, new Map([[7, record('d')]]), 3);
  bench.turn();
  const [d] = bench.take();
  finish(bench, [d]);
  bench.backend.demand();
  requests.push(bench.turn());

  assert.deepStrictEqual(requests, [
    ['REREAD 1 4-5 7'],
    [],
    ['REREAD 1 7'],
    ['FINISH 1 7', 'READ 1'],
  ]);
  assert.deepStrictEqual([depth, bodies], [3, ['a', 'bb']]);
  assert.equal(bench.store.referenceCount, 0);
});

test('DiskBackend: records that are lost when they are read again are finished, and reading goes on', () => {
  const bench = new BackendBench().withRecords(4, 'a', 'b', 'c', 'd');
  for (const position of bench.take()) bench.store.release(position, 1);
  for (const number of [4, 5, 6, 7]) bench.backend.reread(number);
  bench.backend.demand();
  bench.turn();
  bench.disk.rereadFailed(1, 'read error', 0);
  bench.turn();
  bench.nowMs += 1000;
  const again = bench.turn();
  bench.disk.reread(1, 3, new Map([[5, record('b')]]));
  const lost = bench.turn();
  const bodies = bench.takeBodies();
  bench.backend.demand();

  assert.deepStrictEqual(
    [again, lost, bodies, bench.turn(), bench.backend.depth],
    [['REREAD 1 4-7'], ['FINISH 1 4 6'], ['b'], ['REREAD 1 7'], 1],
  );
});

test('DiskBackend: nothing is read again of a queue that was emptied', () => {
  const bench = new BackendBench().withRecords(4, 'a');
  for (const position of bench.take()) bench.store.release(position, 1);
  bench.backend.reread(4);
  bench.backend.demand();
  bench.turn();
  bench.backend.empty(bench.done('emptied'));
  bench.disk.reread(1, 1, new Map([[4, record('a')]]));
  bench.disk.emptied(1);
  bench.turn();
  bench.backend.demand();

  assert.deepStrictEqual(
    [bench.turn(), bench.backend.depth, bench.store.referenceCount],
    [[], 0, 0],
  );
});
