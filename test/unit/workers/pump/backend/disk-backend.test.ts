import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OPENED, SYNCED, WRITABLE } from '../../../../../src/workers/disk-records.ts';
import { BackendBench, record } from '../../../../support/backend-bench.ts';
import { putInStore, putRecordInStore } from '../../../../support/pump-parts.ts';

test('DiskBackend: opens its files at the end of its first turn, and says what is in them', () => {
  const bench = new BackendBench();

  const requests = bench.turn();
  const wasSettled = bench.backend.isSettled;
  bench.disk.opened(1, 2 ** 33 + 5);
  bench.turn();

  assert.deepStrictEqual([requests, wasSettled], [['OPEN 1 t:c'], false]);
  assert.deepStrictEqual(
    [bench.backend.depth, bench.backend.isSettled, bench.log],
    [2 ** 33 + 5, true, ['readable']],
  );
});

test('DiskBackend: tells of files that cannot be opened', () => {
  const bench = new BackendBench();
  bench.turn();
  bench.disk.answer(OPENED, 1, 0, 'open t:c: EACCES');
  bench.turn();

  assert.deepStrictEqual(bench.log, ['health open t:c: EACCES']);
});

test('DiskBackend: files that could not be opened are read after a while, as their contents are unknown', () => {
  const bench = new BackendBench();
  bench.turn();
  bench.disk.answer(OPENED, 1, 0, 'open t:c: EACCES');
  const early = bench.turn();
  bench.nowMs = bench.link.nextDeadlineMs;
  const later = bench.turn();
  bench.disk.records(1, [record('a')], 0);
  bench.turn();

  assert.deepStrictEqual([early, bench.nowMs, later], [[], 1000, ['READ 1']]);
  assert.deepStrictEqual(bench.log, ['health open t:c: EACCES', 'health null', 'readable']);
  assert.deepStrictEqual(bench.takeBodies(), ['a']);
});

test('DiskBackend: messages of a turn are one write, with attempts, time and id', () => {
  const bench = new BackendBench().open();
  bench.put('a', 'b');
  const read = putRecordInStore(bench.store, 'c', 4, 77n);
  bench.backend.put(read, 1, 0, 0, null);
  const sent = putInStore(bench.store, ['d']);
  bench.backend.put(sent, 1, 65_535, 0, null);

  const requests = bench.turn();

  assert.deepStrictEqual([requests, bench.backend.depth], [['APPEND 1 a b c d'], 4]);
  assert.deepStrictEqual(
    bench.disk.appended.map(({ attempts }) => attempts),
    [0, 0, 4, 65_535],
  );
  assert.equal(bench.disk.appended[2].timestampNs, 77n);
});

test('DiskBackend: what was written is on disk only; its references are gone', () => {
  const bench = new BackendBench().open();
  const position = bench.put('a', 'b');
  bench.turn();
  bench.disk.appendedOk(1, 2);
  bench.turn();

  assert.deepStrictEqual([bench.backend.depth, bench.backend.isSettled], [2, true]);
  assert.throws(() => bench.store.release(position, 1), /released once for each reference/);
});

test('DiskBackend: a large backlog goes in writes of a bounded size, a larger message alone', () => {
  const bench = new BackendBench().open();
  for (let i = 0; i < 5; i++) bench.put('x'.repeat(100_000 + i));
  bench.put('y'.repeat(300_000));
  bench.put('z');

  const requests = bench.turn();

  assert.deepStrictEqual(requests, [
    'APPEND 1 100000 100001',
    'APPEND 1 100002 100003',
    'APPEND 1 100004',
    'APPEND 1 300000',
    'APPEND 1 z',
  ]);
});

test('DiskBackend: accepted messages that could not be written are written again after a while', () => {
  const bench = new BackendBench().open();
  bench.put('a', 'b');
  bench.turn();
  bench.disk.appendFailed(1, 'disk full');
  const early = bench.turn();
  const { nextDeadlineMs } = bench.link;
  bench.put('c');
  const waiting = bench.turn();
  bench.nowMs = nextDeadlineMs;
  const again = bench.turn();
  bench.disk.appendedOk(1, 3);
  const after = bench.turn();

  assert.deepStrictEqual([early, waiting, again, after], [[], [], ['APPEND 1 a b c'], []]);
  assert.deepStrictEqual(
    [nextDeadlineMs, bench.log, bench.backend.depth],
    [1000, ['health disk full', 'health null', 'readable'], 3],
  );
});

test('DiskBackend: health is told when it changes only', () => {
  const bench = new BackendBench().open();
  for (const error of ['disk full', 'disk full', 'disk on fire']) {
    bench.put('a');
    bench.turn();
    bench.disk.appendFailed(1, error);
    bench.turn();
    bench.nowMs += 1000;
  }

  assert.deepStrictEqual(bench.log, ['health disk full', 'health disk on fire']);
});

test('DiskBackend: hears of syncs that fail, and that it can be written to again', () => {
  const bench = new BackendBench().open();
  bench.putRefusable('first', 'a');
  bench.turn();
  bench.disk.appendFailed(1, 'disk full');
  bench.disk.answer(SYNCED, 1, 0, 'no sync');
  bench.turn();
  bench.disk.answer(WRITABLE, 1, 0, null);
  bench.turn();
  bench.disk.answer(SYNCED, 1, 0, null);
  bench.turn();

  assert.deepStrictEqual(
    bench.log.filter((line) => line.startsWith('health')),
    ['health disk full', 'health no sync', 'health null'],
  );
});

test('DiskBackend: messages whose publisher waits are refused, and not written again', () => {
  const bench = new BackendBench().open();
  bench.putRefusable('first', 'a', 'b');
  bench.putRefusable('second', 'c');
  const requests = bench.turn();
  bench.disk.appendFailed(1, 'disk full');
  bench.turn();
  bench.nowMs = 5000;

  const later = bench.turn();

  assert.deepStrictEqual([requests, later], [['APPEND 1 a b c'], []]);
  assert.deepStrictEqual(
    [bench.log, bench.backend.depth],
    [['health disk full', 'first: disk full', 'second: disk full'], 0],
  );
});

test('DiskBackend: a publisher is told when all of its messages are written, over however many writes', () => {
  const bench = new BackendBench().open();
  bench.putRefusable('large', ...new Array<string>(8000).fill('0123456789'));
  const writes = bench.turn().length;
  bench.disk.appendedOk(1, 6000);
  bench.turn();
  const before = [...bench.log];
  bench.disk.appendedOk(1, 8000);
  bench.turn();

  assert.deepStrictEqual([writes, before.includes('large: null')], [2, false]);
  assert.equal(bench.log.includes('large: null'), true);
});

test('DiskBackend: callers that wait for accepted messages keep waiting while they are tried again', () => {
  const bench = new BackendBench().open();
  for (const name of ['first', 'second']) {
    const receipt = bench.receipt(false, name);
    bench.backend.put(putInStore(bench.store, [name, `${name} too`]), 2, 3, 0, receipt);
    receipt.seal();
  }
  bench.turn();
  bench.disk.appendFailed(1, 'disk full');
  bench.turn();
  bench.nowMs = 1000;
  const again = bench.turn();
  const before = [...bench.log];
  bench.disk.appendedOk(1, 4);
  bench.turn();

  assert.deepStrictEqual(again, ['APPEND 1 first first too second second too']);
  assert.deepStrictEqual(before, ['health disk full']);
  assert.deepStrictEqual(bench.log.slice(1), [
    'health null',
    'first: null',
    'second: null',
    'readable',
  ]);
  assert.deepStrictEqual(
    bench.disk.appended.map(({ attempts }) => attempts),
    new Array(8).fill(3),
  );
});

test('DiskBackend: reads on demand, one READ at a time, and only when there is something', () => {
  const bench = new BackendBench().open();
  const nothing = bench.turn();
  bench.put('a');
  bench.turn();
  bench.disk.appendedOk(1, 1);
  bench.turn();
  for (let i = 0; i < 3; i++) bench.backend.demand();
  const once = bench.turn();
  bench.backend.demand();
  const whileReading = bench.turn();

  assert.deepStrictEqual([nothing, once, whileReading], [[], ['READ 1'], []]);
});

test('DiskBackend: what was demanded before it came is read behind its write, once', () => {
  const bench = new BackendBench().open();
  bench.backend.demand();
  const nothing = bench.turn();
  bench.put('a');
  const first = bench.turn();
  bench.put('b');
  const whileReading = bench.turn();
  bench.disk.appendedOk(1, 1);
  bench.disk.records(1, [record('a')], 0);
  bench.disk.appendedOk(1, 1);
  bench.turn();
  const bodies = bench.takeBodies();
  bench.put('c');
  const undemanded = bench.turn();

  assert.deepStrictEqual([nothing, first], [[], ['APPEND 1 a', 'READ 1']]);
  assert.deepStrictEqual([whileReading, bodies], [['APPEND 1 b'], ['a']]);
  assert.deepStrictEqual(undemanded, ['APPEND 1 c']);
});

test('DiskBackend: what is demanded of a queue that cannot be opened is read once, after a while', () => {
  const bench = new BackendBench();
  bench.backend.demand();
  bench.put('a');
  const first = bench.turn();
  bench.disk.answer(OPENED, 1, 0, 'open t:c: EACCES');
  bench.disk.appendFailed(1, 'EACCES');
  const early = bench.turn();
  bench.nowMs = bench.link.nextDeadlineMs;
  const later = bench.turn();

  assert.deepStrictEqual([first, early], [['OPEN 1 t:c', 'APPEND 1 a'], []]);
  assert.deepStrictEqual(later, ['APPEND 1 a', 'READ 1']);
});

test('DiskBackend: a write that fails leaves its demand unanswered until the write succeeds', () => {
  const bench = new BackendBench().open();
  bench.backend.demand();
  bench.put('a');
  bench.turn();
  bench.disk.appendFailed(1, 'disk full');
  bench.disk.records(1, [], 0);
  const whileWaiting = bench.turn();
  bench.backend.demand();
  bench.nowMs = bench.link.nextDeadlineMs;
  const again = bench.turn();

  assert.deepStrictEqual([whileWaiting, again], [[], ['APPEND 1 a', 'READ 1']]);
});

test('DiskBackend: records that were read can be taken, and stay on disk', () => {
  const bench = new BackendBench().open(3);
  bench.backend.demand();
  bench.turn();
  bench.disk.records(1, [record('a'), record('b')], 1);
  bench.turn();
  const { depth } = bench.backend;
  const bodies = bench.takeBodies();

  const requests = bench.turn();

  assert.deepStrictEqual([depth, bodies, bench.backend.depth], [3, ['a', 'b'], 1]);
  assert.deepStrictEqual([requests, bench.store.referenceCount], [[], 0]);
});

test('DiskBackend: records that span slabs of the store are all fetched', () => {
  const bench = new BackendBench().open(40);
  const bodies = Array.from({ length: 40 }, (_, i) => `${i}`.repeat(1500));
  const seen: string[] = [];
  for (let i = 0; i < 40; i += 10) {
    bench.put('x'.repeat(80_000));
    bench.backend.demand();
    bench.turn();
    bench.disk.appendedOk(1, 40 - i);
    bench.disk.records(1, bodies.slice(i, i + 10).map(record), 30 - i);
    bench.turn();
    seen.push(...bench.takeBodies());
  }

  assert.deepStrictEqual(seen, bodies);
});

test('DiskBackend: a READ that failed is tried again after a while', () => {
  const bench = new BackendBench().open(1);
  bench.backend.demand();
  bench.turn();
  bench.disk.readFailed(1, 'EIO', 1);
  const early = bench.turn();
  bench.nowMs = bench.link.nextDeadlineMs;
  const again = bench.turn();
  bench.disk.records(1, [record('a')], 0);
  bench.turn();

  assert.deepStrictEqual([early, bench.nowMs, again], [[], 1000, ['READ 1']]);
  assert.deepStrictEqual(bench.takeBodies(), ['a']);
});

test('DiskBackend: writes that wait for their time are not put off by reads that do', () => {
  const bench = new BackendBench().open(1);
  bench.put('a');
  bench.backend.demand();
  bench.turn();
  bench.disk.appendFailed(1, 'EIO', 1);
  bench.turn();
  bench.nowMs = 500;
  bench.disk.readFailed(1, 'EIO', 1);
  bench.turn();
  bench.nowMs = 1000;

  assert.deepStrictEqual(bench.turn(), ['APPEND 1 a']);
});

test('DiskBackend: empty drops what is in memory and has the files emptied, before later messages', () => {
  const bench = new BackendBench().open(2);
  bench.backend.demand();
  bench.turn();
  bench.disk.records(1, [record('a')], 1);
  bench.turn();
  bench.put('b');
  bench.putRefusable('publisher', 'c');
  bench.backend.empty(bench.done('emptied'));
  const { depth } = bench.backend;
  bench.put('d');

  const requests = bench.turn();
  bench.disk.emptied(1);
  bench.disk.appendedOk(1, 1);
  bench.turn();

  assert.deepStrictEqual([depth, requests], [0, ['EMPTY_QUEUE 1', 'APPEND 1 d']]);
  assert.deepStrictEqual(
    [bench.log, bench.backend.depth],
    [['readable', 'publisher: null', 'emptied: null', 'readable'], 1],
  );
});

test('DiskBackend: records that were on their way when the queue was emptied are dropped', () => {
  const bench = new BackendBench().open(2);
  bench.backend.demand();
  bench.turn();
  bench.backend.empty(bench.done('emptied'));
  bench.turn();
  bench.disk.records(1, [record('a')], 1);
  bench.disk.emptied(1, 'unlink: EIO');
  bench.turn();

  assert.deepStrictEqual([bench.takeBodies(), bench.backend.depth], [[], 0]);
  assert.equal(bench.log.at(-1), 'emptied: unlink: EIO');
});

test('DiskBackend: a write that fails after the queue was emptied is not tried again', () => {
  const bench = new BackendBench().open();
  const position = bench.put('a');
  bench.turn();
  bench.backend.empty(bench.done('emptied'));
  bench.turn();
  bench.disk.appendFailed(1, 'EIO');
  bench.disk.emptied(1);
  bench.turn();
  bench.nowMs = 5000;

  assert.deepStrictEqual([bench.turn(), bench.backend.depth], [[], 0]);
  assert.throws(() => bench.store.release(position, 1), /released once for each reference/);
});

test('DiskBackend: closes once everything is on disk, and tells what was finished before', () => {
  const bench = new BackendBench().withRecords(0, 'a', 'b');
  const { position } = bench.backend.fetched;
  bench.backend.take(1);
  bench.backend.finish(position, 1);
  bench.store.release(position, 1);
  bench.put('c');
  bench.backend.close(bench.done('closed'));

  const first = bench.turn();
  bench.disk.appendFailed(1, 'disk full');
  const failed = bench.turn();
  bench.nowMs = 1000;
  const again = bench.turn();
  bench.disk.appendedOk(1, 1);
  const close = bench.turn();
  bench.disk.closed(1);
  bench.turn();

  assert.deepStrictEqual(
    [first, failed, again, close],
    [['APPEND 1 c', 'FINISH 1 0'], [], ['APPEND 1 c'], ['CLOSE 1']],
  );
  assert.deepStrictEqual(bench.log.slice(-2), ['ended', 'closed: null']);
  assert.equal(bench.store.referenceCount, 0);
});

test('DiskBackend: refused messages do not keep a queue from closing', () => {
  const bench = new BackendBench().open();
  bench.putRefusable('publisher', 'a');
  bench.backend.close(bench.done('closed'));
  bench.turn();
  bench.disk.appendFailed(1, 'disk full');

  const close = bench.turn();
  bench.disk.closed(1);
  bench.turn();

  assert.deepStrictEqual(close, ['CLOSE 1']);
  assert.deepStrictEqual(bench.log, [
    'health disk full',
    'publisher: disk full',
    'health null',
    'ended',
    'closed: null',
  ]);
});

test('DiskBackend: a close that fails is tried again each second, and tells why meanwhile', () => {
  const bench = new BackendBench().open();
  bench.backend.close(bench.done('closed'));

  const requests = [bench.turn()];
  bench.disk.closed(1, 'sync: EIO');
  requests.push(bench.turn());
  bench.nowMs = 999;
  requests.push(bench.turn());
  bench.nowMs = 1000;
  requests.push(bench.turn());
  bench.disk.closed(1, 'sync: EIO');
  bench.turn();
  bench.nowMs = 2000;
  requests.push(bench.turn());
  bench.disk.closed(1);
  requests.push(bench.turn());

  assert.deepStrictEqual(requests, [['CLOSE 1'], [], [], ['CLOSE 1'], ['CLOSE 1'], []]);
  assert.deepStrictEqual(bench.log, ['health sync: EIO', 'health null', 'ended', 'closed: null']);
});

test('DiskBackend: at the end deferred messages are written without their times rather than not at all', () => {
  const DUE = 'APPEND 1 a@1000060000 b@1000060000 c';
  const bench = new BackendBench().open();
  bench.putDue(60_000, 'a', 'b');
  bench.put('c');
  bench.backend.close(bench.done('closed'));

  const requests: string[][] = [];
  for (bench.nowMs = 0; bench.nowMs <= 15_000; bench.nowMs += 1000) {
    requests.push(bench.turn());
    bench.disk.appendFailed(1, 'notes: EACCES');
    bench.turn();
  }
  requests.push(bench.turn());
  bench.disk.appendedOk(1, 3);
  requests.push(bench.turn());
  bench.disk.closed(1);
  bench.turn();

  assert.deepStrictEqual(
    [requests.slice(0, 2), requests.slice(-2)],
    [
      [[DUE], [DUE]],
      [['APPEND 1 a b c'], ['CLOSE 1']],
    ],
  );
  assert.deepStrictEqual(bench.log, [
    'health notes: EACCES',
    'log 4 DISKQUEUE(t:c): writing 2 deferred messages without their times, which are due at once after the next start - notes: EACCES',
    'health null',
    'ended',
    'closed: null',
  ]);
});

test('DiskBackend: is deleted at once, with what it holds', () => {
  const bench = new BackendBench().open(1);
  const position = bench.put('a');
  bench.backend.delete(bench.done('deleted'));

  const requests = bench.turn();
  bench.disk.deleted(1);
  bench.turn();

  assert.deepStrictEqual(requests, ['DELETE 1']);
  assert.deepStrictEqual(bench.log, ['ended', 'deleted: null']);
  assert.throws(() => bench.store.release(position, 1), /released once for each reference/);
});

test('DiskBackend: asks for nothing more after DELETE, whatever fails or is finished meanwhile', () => {
  const bench = new BackendBench().withRecords(0, 'x');
  const [read] = bench.take();
  bench.put('a');
  bench.turn();
  bench.disk.appendedOk(1, 2);
  bench.turn();
  bench.put('b');
  bench.backend.demand();
  bench.turn();
  bench.backend.delete(bench.done('deleted'));
  const requests = [bench.turn()];
  bench.disk.appendFailed(1, 'EIO', 1);
  bench.disk.readFailed(1, 'EIO', 1);
  requests.push(bench.turn());
  bench.backend.finish(read, 1);
  bench.store.release(read, 1);
  bench.nowMs = 5000;
  requests.push(bench.turn());
  bench.disk.deleted(1);
  requests.push(bench.turn());

  assert.deepStrictEqual(requests, [['DELETE 1'], [], [], []]);
  assert.equal(bench.store.referenceCount, 0);
});

test('DiskBackend: a queue that could not be read is closed all the same, and wakes no one afterwards', () => {
  const bench = new BackendBench().open(1);
  bench.backend.demand();
  bench.turn();
  bench.disk.readFailed(1, 'EIO', 1);
  bench.turn();
  bench.backend.close(bench.done('closed'));
  const close = bench.turn();
  bench.nowMs = 5000;
  const later = bench.turn();

  assert.deepStrictEqual([close, later], [['CLOSE 1'], []]);
  assert.equal(bench.link.nextDeadlineMs, Number.POSITIVE_INFINITY);
});

test('DiskBackend: messages wait in order while the request ring is full, and none is lost', () => {
  const bench = new BackendBench({ requestBytes: 64 * 1024 }).open();
  const bodies = Array.from({ length: 100 }, (_, i) => `message ${i} ${'x'.repeat(3000)}`);
  for (const body of bodies) bench.put(body);
  const congested: boolean[] = [];

  for (let turn = 0; turn < 40; turn++) {
    bench.link.flush(0);
    congested.push(bench.link.isCongested);
    for (const request of bench.disk.take(1)) {
      assert.match(request, /^APPEND 1 /);
      bench.disk.appendedOk(1, bench.disk.appended.length);
    }
    bench.link.poll(0);
  }

  assert.deepStrictEqual([congested[0], congested.at(-1)], [true, false]);
  assert.deepStrictEqual(
    bench.disk.appended.map(({ body }) => body),
    bodies,
  );
  assert.deepStrictEqual([bench.backend.depth, bench.backend.isSettled], [100, true]);
});

test('DiskBackend: a publisher that waits for stable storage is answered when its write is there, not before', () => {
  const bench = new BackendBench().open();
  bench.putSynced('first', 'a', 'b');
  bench.turn();
  bench.putSynced('second', 'c');
  bench.putRefusable('third', 'd');
  bench.turn();
  bench.log.length = 0;

  bench.disk.appendedOk(1, 2);
  bench.disk.appendedOk(1, 4);
  bench.turn();
  const written = bench.log.filter((line) => /first|second|third/.test(line));
  bench.disk.committed(1);
  bench.turn();
  const durable = bench.log.filter((line) => /first|second|third/.test(line));
  bench.disk.committed(1, 'the disk fails');
  bench.turn();
  const all = bench.log.filter((line) => /first|second|third/.test(line));

  assert.deepStrictEqual(written, []);
  assert.deepStrictEqual(durable, ['first: null']);
  assert.deepStrictEqual(all, ['first: null', 'second: the disk fails', 'third: the disk fails']);
});

test('DiskBackend: a write for stable storage that fails at once is refused at once', () => {
  const bench = new BackendBench().open();
  bench.putSynced('first', 'a');
  bench.turn();
  bench.putSynced('second', 'b');
  bench.turn();
  bench.log.length = 0;

  bench.disk.appendFailed(1, 'no room');
  bench.disk.appendedOk(1, 1);
  bench.disk.committed(1);
  bench.turn();

  const answers = bench.log.filter((line) => /first|second/.test(line));
  assert.deepStrictEqual(answers, ['first: no room', 'second: null']);
});
