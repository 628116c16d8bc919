import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChannelPolicy } from '../../../../src/shared/topic-policy.ts';
import { YIELDED } from '../../../../src/workers/pump/delivery.ts';
import { ChannelBench, type Got, UNIX_MS } from '../../../support/channel-bench.ts';
import { putInStore } from '../../../support/pump-parts.ts';
import { channelPolicyWith } from '../../../support/topic-policies.ts';

function bodies(got: readonly Got[]): string[] {
  return got.map(({ body }) => body);
}

/** Puts messages that were published so long after monotonic time 0. */
function putAt(bench: ChannelBench, ms: number, ...texts: readonly string[]): number {
  const position = putInStore(bench.store, texts, BigInt(UNIX_MS + ms) * 1_000_000n);
  bench.channel.put(position, texts.length, null);
  return position;
}

function change(bench: ChannelBench, policy: Partial<ChannelPolicy>): void {
  bench.channel.setPolicy(channelPolicyWith(policy), bench.nowMs);
}

test('Channel: messages expire at their age, whether a consumer waits or not', () => {
  const bench = new ChannelBench({ policy: { messageTtlMs: 100 } });
  putAt(bench, 0, 'a', 'b');
  putAt(bench, 50, 'c');
  const depths = [bench.channel.queue.depth];
  for (const byMs of [99, 2, 47, 2]) {
    bench.advance(byMs);
    depths.push(bench.channel.queue.depth);
  }

  assert.deepEqual(depths, [3, 3, 1, 1, 0]);
  assert.equal(bench.channel.undelivered.expiredCount, 3);
  assert.equal(bench.store.referenceCount, 0);
});

test('Channel: a message that expires is not delivered in the turn in which it does', () => {
  const bench = new ChannelBench({ policy: { messageTtlMs: 100 } });
  putAt(bench, 0, 'old');
  putAt(bench, 60, 'young');
  bench.nowMs = 110;

  bench.subscribe(5);
  const got = bench.deliver();

  assert.deepEqual(bodies(got), ['young']);
  assert.equal(bench.channel.undelivered.expiredCount, 1);
});

test('Channel: a message that comes back may be older than those before it, and expires there', () => {
  const bench = new ChannelBench({ policy: { messageTtlMs: 100 } });
  putAt(bench, 0, 'old');
  const consumer = bench.subscribe(1);
  const [{ id }] = bench.deliver();
  putAt(bench, 60, 'young');
  bench.nowMs = 70;
  bench.ready(consumer, 0);
  bench.requeue(consumer, id, 0);
  const before = bench.channel.queue.depth;
  bench.advance(31);
  const expired = bench.channel.queue.depth;
  bench.ready(consumer, 5);

  assert.deepEqual([before, expired], [2, 1]);
  assert.deepEqual(bodies(bench.deliver()), ['young']);
  assert.equal(bench.channel.queue.depth, 0);
});

test('Channel: what is in flight does not expire, and does when it comes back', () => {
  const bench = new ChannelBench({ policy: { messageTtlMs: 100 } });
  putAt(bench, 0, 'a', 'b');
  const consumer = bench.subscribe(2, { msgTimeoutMs: 1000 });
  const [first, second] = bench.deliver();
  bench.advance(500);
  const inFlight = bench.channel.inFlightCount;
  bench.finish(consumer, first.id);
  bench.requeue(consumer, second.id, 0);

  assert.equal(inFlight, 2);
  assert.deepEqual([bench.channel.queue.depth, bench.channel.undelivered.expiredCount], [0, 1]);
});

test('Channel: the age of a deferred message begins when it is due', () => {
  const bench = new ChannelBench({ policy: { messageTtlMs: 100 } });
  const position = putInStore(bench.store, ['later'], BigInt(UNIX_MS) * 1_000_000n);
  bench.channel.putDeferred(position, 1, 80, null);
  bench.advance(81);
  const due = bench.channel.queue.depth;
  bench.advance(98);
  const still = bench.channel.queue.depth;
  bench.advance(3);

  assert.deepEqual([due, still, bench.channel.queue.depth], [1, 1, 0]);
});

test('Channel: a message deferred beyond its age expires without having been due', () => {
  const bench = new ChannelBench({ policy: { messageTtlMs: 100 } });
  const position = putInStore(bench.store, ['too late'], BigInt(UNIX_MS) * 1_000_000n);
  bench.channel.putDeferred(position, 1, 500, null);
  const before = bench.channel.allDeferredCount;
  bench.advance(101);

  assert.deepEqual(
    [before, bench.channel.allDeferredCount, bench.channel.undelivered.expiredCount],
    [1, 0, 1],
  );
});

test('Channel: an age that is set later holds for what waits, and one that is taken away ends', () => {
  const bench = new ChannelBench();
  putAt(bench, 0, 'a');
  bench.advance(50);
  change(bench, { messageTtlMs: 40 });
  const expired = bench.channel.undelivered.expiredCount;
  putAt(bench, 50, 'b');
  change(bench, {});
  bench.advance(10_000);

  assert.deepEqual([expired, bench.channel.queue.depth], [1, 1]);
});

test('Channel: messages from disk expire too, and are finished there', () => {
  const bench = new ChannelBench({ policy: { messageTtlMs: 100 }, memoryMax: 0 });
  putAt(bench, 0, 'a', 'b');
  bench.backend.read();
  bench.channel.onReadable();
  bench.advance(101);

  assert.deepEqual([bench.channel.queue.depth, bench.channel.undelivered.expiredCount], [0, 2]);
  assert.deepEqual(
    bench.backend.log.filter((entry) => entry.startsWith('finish')),
    ['finish 0', 'finish 1'],
  );
});

test('Channel: a queue that is cut down passes a message that has expired among others', () => {
  const bench = new ChannelBench({ policy: { messageTtlMs: 100 }, memoryMax: 0 });
  putAt(bench, 60, 'before');
  putAt(bench, 0, 'old');
  putAt(bench, 60, 'behind');
  bench.backend.read();
  const consumer = bench.subscribe(3);
  const got = bench.deliver();
  bench.ready(consumer, 0);
  // The files have them, and memory is full: they wait to be read again.
  for (const body of ['before', 'old', 'behind']) {
    const { id } = got.find((one) => one.body === body) ?? got[0];
    bench.requeue(consumer, id, 0);
  }
  bench.advance(101);
  const { depth } = bench.channel.queue;
  bench.channel.queue.setBounds(0, {
    maxDepth: 0,
    maxBytes: Number.POSITIVE_INFINITY,
    dropsOldest: true,
  });
  bench.channel.queue.trim();

  assert.deepEqual([depth, bench.channel.queue.depth], [2, 0]);
  assert.equal(bench.store.referenceCount, 0);
});

test('Channel: the attempt after the last is not made', () => {
  const bench = new ChannelBench({ policy: { maxAttempts: 2 } });
  bench.put('a');
  const consumer = bench.subscribe(1);
  const attempts: number[] = [];
  for (let got = bench.deliver(); got.length > 0; got = bench.deliver()) {
    attempts.push(got[0].attempts);
    bench.requeue(consumer, got[0].id, 0);
  }

  assert.deepEqual(attempts, [1, 2]);
  assert.deepEqual(
    [
      bench.channel.undelivered.exhaustedCount,
      bench.channel.queue.depth,
      bench.store.referenceCount,
    ],
    [1, 0, 0],
  );
});

test('Channel: a timeout counts as an attempt', () => {
  const bench = new ChannelBench({ policy: { maxAttempts: 1 } });
  bench.put('a');
  bench.subscribe(1, { msgTimeoutMs: 10 });
  bench.deliver();
  bench.advance(11);

  assert.deepEqual(
    [bench.channel.undelivered.exhaustedCount, bench.channel.tallies.timeoutCount, bench.deliver()],
    [1, 1, []],
  );
});

test('Channel: no more is in flight than its policy allows, over all consumers', () => {
  const bench = new ChannelBench({ policy: { maxInFlight: 3 } });
  bench.put('a', 'b', 'c', 'd', 'e');
  const first = bench.subscribe(2);
  const second = bench.subscribe(2);
  const got = bench.deliver();
  const { id, consumer } = got[0];
  bench.finish(consumer === 1 ? first : second, id);
  const next = bench.deliver();

  assert.equal(got.length, 3);
  assert.equal(next.length, 1);
  assert.equal(bench.channel.inFlightCount, 3);
  assert.ok(bench.channel.rules.throttledCount > 0);
});

test('Channel: a rate holds to the message, at one a second and at 100,000', () => {
  for (const maxRate of [1, 7, 1000, 100_000]) {
    const bench = new ChannelBench({ policy: { maxRate, burst: 1 }, memoryMax: 1e6 });
    const consumer = bench.subscribe(2500);
    const seconds = maxRate < 10 ? 20 : 0.25;
    for (let i = 0; i < maxRate * seconds + 1000; i++) bench.put('x');
    let count = 0;
    const take = (): void => {
      for (let got = bench.deliver(); got.length > 0; got = bench.deliver()) {
        count += got.length;
        for (const { id } of got) bench.finish(consumer, id);
      }
    };
    take();
    const atFirst = count;
    while (bench.nowMs < seconds * 1000) {
      const next = bench.timers.nextMs;
      bench.advance(Math.max(0.01, Math.min(next, seconds * 1000) - bench.nowMs));
      take();
    }

    const expected = maxRate * seconds;
    const sent = count - atFirst;
    // One message is where its token falls on the last instant.
    assert.ok(Math.abs(sent - expected) <= 1 + expected / 1000, `${sent} of ${expected}`);
  }
});

test('Channel: nothing wakes for a rate while nothing waits', () => {
  const bench = new ChannelBench({ policy: { maxRate: 1 } });
  bench.put('a');
  bench.subscribe(5);
  bench.deliver();

  bench.deliver();

  assert.equal(bench.timers.nextMs, Number.POSITIVE_INFINITY);
});

test('Channel: a message that timed out waits longer after each attempt', () => {
  const bench = new ChannelBench({
    policy: { requeueBackoff: { minMs: 100, maxMs: 300 } },
  });
  bench.put('a');
  bench.subscribe(1, { msgTimeoutMs: 10 });
  const waits: number[] = [];
  for (let i = 0; i < 4; i++) {
    assert.equal(bench.deliver().length, 1);
    bench.advance(10);
    const timedOutMs = bench.nowMs;
    while (bench.channel.deferredCount > 0) bench.advance(10);
    waits.push(bench.nowMs - timedOutMs);
  }

  assert.deepEqual(waits, [100, 200, 300, 300]);
});

test('Channel: REQ keeps the delay that it asks for', () => {
  const bench = new ChannelBench({ policy: { requeueBackoff: { minMs: 100, maxMs: 300 } } });
  bench.put('a');
  const consumer = bench.subscribe(1);
  const [{ id }] = bench.deliver();
  bench.requeue(consumer, id, 0);

  assert.equal(bench.deliver().length, 1);
});

test('Channel: what is given up goes to the dead letters, with its attempts', () => {
  const bench = new ChannelBench({ policy: { maxAttempts: 1, deadLetter: 'dead' } });
  bench.put('a');
  const consumer = bench.subscribe(1);
  const [{ id }] = bench.deliver();
  bench.requeue(consumer, id, 0);
  const { undelivered, queue } = bench.channel;
  const before = [undelivered.leavingCount, undelivered.deadLetterCount, queue.outsideBytes > 0];
  bench.deadLetters.flush(0);
  bench.main.producer.publish();
  const [letter] = bench.main.take();
  assert.deepEqual(
    'letters' in letter && letter.letters.map(({ attempts, body }) => [attempts, body]),
    [[1, 'a']],
  );
  assert.ok('deadLetters' in letter);
  bench.deadLetters.settle(letter.deadLetters, true, 0);

  assert.deepEqual(before, [1, 0, true]);
  assert.deepEqual([undelivered.leavingCount, undelivered.deadLetterCount], [0, 1]);
  assert.deepEqual([queue.outsideBytes, bench.store.referenceCount], [0, 0]);
});

/** More than one turn removes. */
const MANY = 10_000;

/** Puts messages that were published at time 0. */
function putMany(bench: ChannelBench): void {
  for (let index = 0; index < MANY; index++) putAt(bench, 0, 'old');
}

/** What is left in the queue after each turn in which timers are due. */
function depthsOfTurns(bench: ChannelBench): number[] {
  const depths: number[] = [];
  do {
    bench.timers.fire(bench.nowMs);
    depths.push(bench.channel.queue.depth);
  } while (bench.channel.queue.depth > 0 && depths.length < MANY);
  return depths;
}

test('Channel: of many messages that expire at once, each turn removes a bounded number', () => {
  const bench = new ChannelBench({ memoryMax: MANY, policy: { messageTtlMs: 100 } });
  putMany(bench);
  bench.nowMs = 101;

  const depths = depthsOfTurns(bench);

  assert.deepEqual(depths, [7952, 5904, 3856, 1808, 0]);
  assert.equal(bench.channel.undelivered.expiredCount, MANY);
  assert.equal(bench.store.referenceCount, 0);
});

test('Channel: the same for messages behind younger ones', () => {
  const bench = new ChannelBench({ memoryMax: 2 * MANY, policy: { messageTtlMs: 100 } });
  putAt(bench, 90, 'young');
  putMany(bench);
  bench.nowMs = 101;

  const turns: number[] = [];
  while (bench.channel.queue.depth > 1) {
    const before = bench.channel.queue.depth;
    bench.timers.fire(bench.nowMs);
    turns.push(before - bench.channel.queue.depth);
  }

  assert.deepEqual(turns, [2048, 2048, 2048, 2048, 1808]);
});

test('Channel: a policy that makes many messages too old removes a bounded number at once', () => {
  const bench = new ChannelBench({ memoryMax: MANY });
  putMany(bench);
  bench.nowMs = 101;

  change(bench, { messageTtlMs: 100 });
  const depths = [bench.channel.queue.depth, ...depthsOfTurns(bench)];

  assert.deepEqual(depths, [8976, 6928, 4880, 2832, 784, 0]);
});

test('Channel: a changed age applies to many messages behind younger ones over several turns', () => {
  const bench = new ChannelBench({ memoryMax: 2 * MANY, policy: { messageTtlMs: 1000 } });
  putAt(bench, 950, 'young');
  putMany(bench);
  bench.nowMs = 951;
  const { ages } = bench.channel.queue;
  assert.ok(ages !== null);

  change(bench, { messageTtlMs: 900 });
  const turns = [ages.rescheduledCount];
  while (bench.channel.queue.depth > 1 && turns.length < 100) {
    const before = ages.rescheduledCount;
    bench.timers.fire(bench.nowMs);
    turns.push(ages.rescheduledCount - before);
  }

  // An entry that is rescheduled and one that expires count the same.
  assert.deepEqual(turns, [1024, 1024, 1024, 1024, 1024, 1024, 1024, 1024, 1024, 784]);
  assert.equal(bench.channel.undelivered.expiredCount, MANY);
});

test('Channel: after the age has been raised, a message behind younger ones does not expire at the earlier time', () => {
  const bench = new ChannelBench({ memoryMax: 2 * MANY, policy: { messageTtlMs: 100 } });
  putAt(bench, 90, 'young');
  putMany(bench);
  bench.nowMs = 99;

  change(bench, { messageTtlMs: 200 });
  bench.nowMs = 101;
  bench.timers.fire(bench.nowMs);
  const depth = bench.channel.queue.depth;
  bench.nowMs = 201;
  while (bench.channel.queue.depth > 1) assert.ok(bench.timers.fire(bench.nowMs) > 0);

  assert.equal(depth, MANY + 1);
});

test('Channel: a delivery that meets many messages which must not be delivered yields, and goes on behind them', () => {
  const bench = new ChannelBench({ memoryMax: MANY + 1, policy: { messageTtlMs: 100 } });
  putMany(bench);
  putAt(bench, 90, 'young');
  bench.subscribe(5);
  bench.nowMs = 101;

  const results = [bench.channel.deliver(4096, bench.nowMs)];
  const firstDepth = bench.channel.queue.depth;
  while (results.at(-1) === YIELDED) results.push(bench.channel.deliver(4096, bench.nowMs));

  assert.deepEqual([firstDepth, results.length, results.at(-1)], [MANY + 1 - 1024, 10, 1]);
  assert.deepEqual(bodies(bench.take()), ['young']);
});
