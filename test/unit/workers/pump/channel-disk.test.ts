import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChannelBench, type Got, UNIX_MS } from '../../../support/channel-bench.ts';
import { putInStore, putRecordInStore } from '../../../support/pump-parts.ts';

const SEGMENT_BYTES = 256 * 1024;

/** A channel that has these messages on disk, fetched, and no memory for others. */
function makeBench(...bodies: readonly string[]): ChannelBench {
  const bench = new ChannelBench({ memoryMax: 0 });
  bench.put(...bodies);
  bench.backend.read();
  bench.backend.puts.length = 0;
  bench.backend.log.length = 0;
  return bench;
}

/** As `makeBench`, while others fill memory with one message. */
function makeFullBench(...bodies: readonly string[]): ChannelBench {
  const bench = new ChannelBench({ memoryMax: 0, budgetBytes: SEGMENT_BYTES });
  if (bodies.length > 0) bench.put(...bodies);
  bench.backend.read();
  putInStore(bench.store, ['x'.repeat(SEGMENT_BYTES)]);
  bench.backend.log.length = 0;
  return bench;
}

/** A record with this number that was read. */
function readRecord(bench: ChannelBench, number: number): number {
  return putRecordInStore(bench.store, 'read', 3, undefined, number);
}

/** The calls of the backend, except reads. */
function log(bench: ChannelBench): string[] {
  return bench.backend.log.filter((what) => what !== 'demand');
}

function attempts(got: readonly Got[]): string[] {
  return got.map((message) => `${message.body} ${message.attempts}`);
}

test('Channel: FIN of a message from disk finishes its record, in whatever order', () => {
  const bench = makeBench('a', 'b', 'c');
  const consumer = bench.subscribe(10);
  const [a, b, c] = bench.deliver();
  const inFlight = [...log(bench)];
  for (const { id } of [c, a, b]) bench.finish(consumer, id);

  assert.deepStrictEqual([inFlight, log(bench)], [[], ['finish 2', 'finish 0', 'finish 1']]);
  assert.equal(bench.store.referenceCount, 0);
});

test('Channel: REQ 0 of a message from disk updates its record, and writes no second copy', () => {
  const bench = makeBench('a');
  const consumer = bench.subscribe(1);
  const [{ id }] = bench.deliver();
  bench.requeue(consumer, id, 0);
  const [again] = bench.deliver();
  bench.finish(consumer, again.id);

  assert.deepStrictEqual(attempts([again]), ['a 2']);
  assert.deepStrictEqual([log(bench), bench.backend.puts], [['update 0 1 0', 'finish 0'], []]);
  assert.equal(bench.store.referenceCount, 0);
});

test('Channel: a message from disk that was not answered in time updates its record, too', () => {
  const bench = makeBench('a');
  const consumer = bench.subscribe(1, { msgTimeoutMs: 100 });
  bench.deliver();
  bench.advance(100);
  const [again] = bench.deliver();
  bench.advance(100);

  assert.deepStrictEqual(attempts([again]), ['a 2']);
  assert.deepStrictEqual([log(bench), bench.backend.puts], [['update 0 1 0', 'update 0 2 0'], []]);
  assert.equal(consumer.inFlightCount, 0);
});

test('Channel: REQ with a delay of a message from disk writes its time, and comes back by itself', () => {
  const bench = makeBench('a', 'b');
  const consumer = bench.subscribe(2);
  const [a, b] = bench.deliver();
  bench.advance(10);
  bench.requeue(consumer, a.id, 50);
  bench.finish(consumer, b.id);
  const { referenceCount } = bench.store;
  bench.advance(50);
  const [again] = bench.deliver();
  bench.finish(consumer, again.id);

  assert.deepStrictEqual(attempts([again]), ['a 2']);
  assert.deepStrictEqual(
    [log(bench), bench.backend.puts],
    [[`update 0 1 ${UNIX_MS + 60}`, 'finish 1', 'finish 0'], []],
  );
  assert.deepStrictEqual([referenceCount, bench.store.referenceCount], [1, 0]);
});

test('Channel: a message from memory that is deferred goes to disk where memory is full, with attempts and time', () => {
  const bench = new ChannelBench({ budgetBytes: 2 * SEGMENT_BYTES });
  const consumer = bench.subscribe(1);
  bench.put('a');
  const [{ id }] = bench.deliver();
  const large = putInStore(bench.store, ['x'.repeat(SEGMENT_BYTES)]);
  bench.requeue(consumer, id, 50);
  bench.backend.forget();
  bench.store.release(large, 1);

  assert.deepStrictEqual(bench.backend.puts, [`a 1 ${UNIX_MS + 50}`]);
  assert.deepStrictEqual([bench.channel.deferredCount, bench.store.referenceCount], [0, 0]);
});

test('Channel: a deferred publish goes to disk where memory is not for it, and its publisher waits', () => {
  const bench = new ChannelBench({ memoryMax: 0 });
  bench.channel.putDeferred(putInStore(bench.store, ['a', 'b']), 2, 300, null);
  bench.backend.deferredCount = 2;

  assert.deepStrictEqual(bench.backend.puts, [`a 0 ${UNIX_MS + 300}`, `b 0 ${UNIX_MS + 300}`]);
  assert.deepStrictEqual([bench.channel.deferredCount, bench.channel.allDeferredCount], [0, 2]);
});

test('Channel: what is read before its time is deferred, with the attempts of its record', () => {
  const bench = new ChannelBench({ memoryMax: 0 });
  const consumer = bench.subscribe(1);
  bench.advance(100);
  bench.channel.onDeferred(putRecordInStore(bench.store, 'a', 3), UNIX_MS + 150);
  bench.advance(49);
  const early = bench.deliver();
  bench.advance(1);
  const [got] = bench.deliver();
  bench.finish(consumer, got.id);

  assert.deepStrictEqual([early, attempts([got])], [[], ['a 4']]);
  assert.deepStrictEqual([log(bench), bench.backend.puts], [['finish 0'], []]);
  assert.equal(bench.store.referenceCount, 0);
});

test('Channel: while memory is full, what is deferred and on disk is only there, and read again when it is due', () => {
  const bench = makeFullBench('requeued');
  const consumer = bench.subscribe(1);
  const [{ id }] = bench.deliver();
  bench.requeue(consumer, id, 70);
  bench.channel.onDeferred(readRecord(bench, 9), UNIX_MS + 50);
  const counts = [bench.channel.deferredCount, bench.deferred.evictedCount];
  counts.push(bench.store.referenceCount - 1);
  bench.advance(50);
  const first = log(bench);
  bench.advance(20);

  assert.deepStrictEqual(counts, [2, 2, 0]);
  assert.deepStrictEqual(first, [`update 0 1 ${UNIX_MS + 70}`, 'reread 9']);
  assert.deepStrictEqual(log(bench).at(-1), 'reread 0');
  assert.deepStrictEqual([bench.channel.deferredCount, bench.deferred.evictedCount], [0, 0]);
});

test('Channel: deferred messages give way, the newest first: to disk, or to be read again if they are there', () => {
  const bench = new ChannelBench();
  const consumer = bench.subscribe(1);
  bench.put('requeued');
  bench.requeue(consumer, bench.deliver()[0].id, 60);
  bench.channel.onDeferred(readRecord(bench, 9), UNIX_MS + 50);
  bench.channel.putDeferred(putInStore(bench.store, ['a', 'b', 'c']), 3, 70, null);
  const { deferred } = bench.channel.held;
  const bytesBefore = deferred.memoryBytes;
  const [one, all] = [deferred.evict(1), deferred.evict(1_000_000)];
  const counts = [bench.channel.deferredCount, bench.deferred.evictedCount, deferred.memoryBytes];
  bench.backend.forget();
  bench.advance(50);

  assert.deepStrictEqual(
    [one > 0 && one < all, one + all, bench.channel.queue.outsideBytes],
    [true, bytesBefore, 0],
  );
  assert.deepStrictEqual(bench.backend.puts, [
    `c 0 ${UNIX_MS + 70}`,
    `b 0 ${UNIX_MS + 70}`,
    `a 0 ${UNIX_MS + 70}`,
    `requeued 1 ${UNIX_MS + 60}`,
  ]);
  assert.deepStrictEqual([counts, log(bench)], [[1, 1, 0], ['reread 9']]);
  assert.deepStrictEqual([bench.channel.deferredCount, bench.store.referenceCount], [0, 0]);
});

test('Channel: deferred messages stay in memory while the disk takes nothing', () => {
  const bench = new ChannelBench();
  bench.channel.putDeferred(putInStore(bench.store, ['a']), 1, 70, null);
  bench.backend.isAccepting = false;

  assert.deepStrictEqual([bench.channel.held.deferred.evict(1000), bench.backend.puts], [0, []]);
});

for (const what of ['empty', 'close', 'delete'] as const) {
  test(`Channel: ${what} forgets what is deferred and only on disk`, () => {
    const bench = makeFullBench();
    bench.channel.onDeferred(readRecord(bench, 9), UNIX_MS + 50);
    bench.channel[what](() => undefined);

    assert.deepStrictEqual(log(bench), [what]);
    assert.deepStrictEqual([bench.deferred.count, bench.deferred.evictedCount], [0, 0]);
    assert.equal(bench.store.referenceCount, 1);
  });
}

test('Channel: close writes what is in memory, and updates what is on disk', () => {
  const bench = makeBench('in flight', 'deferred', 'requeued', 'fetched');
  const consumer = bench.subscribe(3);
  const [, deferred, requeued] = bench.deliver();
  bench.requeue(consumer, deferred.id, 1000);
  bench.ready(consumer, 1);
  bench.requeue(consumer, requeued.id, 0);
  bench.channel.queue.putInMemory(putInStore(bench.store, ['memory']), 1, 2);
  bench.backend.log.length = 0;

  bench.channel.close(() => undefined);

  bench.backend.forget();
  assert.deepStrictEqual(log(bench), [
    'update 0 1 0',
    `update 1 1 ${UNIX_MS + 1000}`,
    'update 2 1 0',
    'close',
  ]);
  assert.deepStrictEqual(bench.backend.puts, ['memory 2 0']);
  assert.deepStrictEqual([bench.inFlight.count, bench.deferred.count], [0, 0]);
  assert.equal(bench.store.referenceCount, 0);
});

for (const what of ['empty', 'delete'] as const) {
  test(`Channel: ${what} drops messages from disk wherever they are, and tells their files once`, () => {
    const bench = makeBench('in flight', 'deferred', 'requeued', 'fetched');
    const consumer = bench.subscribe(3);
    const [, deferred, requeued] = bench.deliver();
    bench.requeue(consumer, deferred.id, 1000);
    bench.ready(consumer, 1);
    bench.requeue(consumer, requeued.id, 0);
    bench.backend.log.length = 0;

    bench.channel[what](() => undefined);

    assert.deepStrictEqual([log(bench), bench.backend.puts], [[what], []]);
    assert.deepStrictEqual([bench.channel.queue.depth, bench.store.referenceCount], [0, 0]);
  });
}

test('Channel: a requeued message is the oldest to make room where a queue is bounded so', () => {
  const bound = { maxDepth: 1, maxBytes: Number.POSITIVE_INFINITY, dropsOldest: true };
  const bench = new ChannelBench({ memoryMax: 0, bound });
  const consumer = bench.subscribe(1);
  bench.put('a');
  bench.backend.read();
  const [a] = bench.deliver();
  bench.channel.put(putInStore(bench.store, ['b'], 2n ** 62n), 1, null);
  bench.backend.read();
  bench.requeue(consumer, a.id, 0);
  const [next] = bench.deliver();

  assert.deepStrictEqual([next.body, bench.channel.queue.droppedCount], ['b', 1]);
  assert.deepStrictEqual(log(bench), ['update 0 1 0', 'finish 0']);
});

test('Channel: goes on reading when memory is full only when it has nothing else', () => {
  const bench = new ChannelBench({ memoryMax: 0, budgetBytes: 0 });
  const consumer = bench.subscribe(1);
  const steps = [bench.channel.mayRead];
  bench.put('a', 'b');
  steps.push(bench.channel.mayRead);
  bench.backend.read();
  steps.push(bench.channel.mayRead);
  const [a] = bench.deliver();
  bench.requeue(consumer, a.id, 0);
  const [b] = bench.deliver();
  steps.push(bench.channel.mayRead);
  bench.finish(consumer, b.id);
  const [again] = bench.deliver();
  steps.push(bench.channel.mayRead);
  bench.finish(consumer, again.id);
  steps.push(bench.channel.mayRead);

  assert.deepStrictEqual(steps, [true, true, false, false, false, true]);
});
