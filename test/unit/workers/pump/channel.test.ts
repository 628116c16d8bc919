import assert from 'node:assert/strict';
import { test } from 'node:test';
import { REFUSED_NOT_IN_FLIGHT, REFUSED_NOT_OWNER } from '../../../../src/shared/records.ts';
import { ACCEPTED } from '../../../../src/workers/pump/channel.ts';
import { NONE } from '../../../../src/workers/pump/deferred.ts';
import { BLOCKED } from '../../../../src/workers/pump/delivery.ts';
import { ChannelBench, type Got, UNIX_MS } from '../../../support/channel-bench.ts';

const UNKNOWN_ID = '00000000000000aa';

function many(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${i}`);
}

/** Who got how many. */
function counts(got: readonly Got[]): Record<number, number> {
  const result: Record<number, number> = {};
  for (const { consumer } of got) result[consumer] = (result[consumer] ?? 0) + 1;
  return result;
}

function bodies(got: readonly Got[]): string[] {
  return got.map(({ body }) => body);
}

test('Channel: delivers in order, and no more than the ready count', () => {
  const bench = new ChannelBench();
  bench.subscribe(3);
  bench.put(...many(5));

  const got = bench.deliver();

  assert.deepStrictEqual(bodies(got), ['0', '1', '2']);
  assert.deepStrictEqual(
    [bench.channel.inFlightCount, bench.channel.queue.depth, bench.channel.takenCounts.global],
    [3, 2, 3],
  );
});

test('Channel: the ready count is a level: after FIN the next message comes without another RDY', () => {
  const bench = new ChannelBench();
  const consumer = bench.subscribe(1);
  bench.put(...many(3));
  const seen: string[] = [];

  for (let got = bench.deliver(); got.length > 0; got = bench.deliver()) {
    seen.push(...bodies(got));
    bench.finish(consumer, got[0].id);
  }

  assert.deepStrictEqual(seen, ['0', '1', '2']);
});

test('Channel: a lower ready count stops delivery, what is in flight stays valid', () => {
  const bench = new ChannelBench();
  const consumer = bench.subscribe(5);
  bench.put(...many(5));
  const [first] = bench.deliver();
  bench.put('late');
  bench.ready(consumer, 0);
  bench.finish(consumer, first.id);

  const got = bench.deliver();

  assert.deepStrictEqual([got, consumer.inFlightCount, consumer.finishCount], [[], 4, 1]);
});

test('Channel: asks for its turn when messages meet capacity, and not otherwise', () => {
  const bench = new ChannelBench();
  const steps: number[] = [];
  bench.put('a');
  steps.push(bench.activations);
  const consumer = bench.subscribe(0);
  steps.push(bench.activations);
  bench.ready(consumer, 1);
  steps.push(bench.activations);
  bench.put('b');
  steps.push(bench.activations);
  bench.deliver();
  bench.put('c');
  steps.push(bench.activations);

  assert.deepStrictEqual(steps, [0, 0, 1, 1, 1]);
});

test('Channel: consumers get fair shares of few messages', () => {
  const bench = new ChannelBench();
  for (let i = 0; i < 3; i++) bench.subscribe(100);
  bench.put(...many(30));

  const got = bench.deliver();

  // Each turn's share is that of what is left by then.
  assert.deepStrictEqual(counts(got.slice(0, 22)), { 1: 10, 2: 7, 3: 5 });
  assert.equal(got.length, 30);
});

test('Channel: consumers take turns over many messages', () => {
  const bench = new ChannelBench();
  for (let i = 0; i < 3; i++) bench.subscribe(1000);
  bench.put(...many(3000));

  const got = bench.deliver();

  assert.deepStrictEqual(counts(got), { 1: 1000, 2: 1000, 3: 1000 });
  assert.deepStrictEqual(
    new Set([got[0].consumer, got[256].consumer, got[512].consumer]),
    new Set([1, 2, 3]),
  );
});

test('Channel: whoever had the last turn is behind the others', () => {
  const bench = new ChannelBench();
  for (let i = 0; i < 3; i++) bench.subscribe(10);
  const order: number[] = [];
  for (const body of many(6)) {
    bench.put(body);
    order.push(...bench.deliver().map(({ consumer }) => consumer));
  }

  assert.deepStrictEqual(order, [1, 2, 3, 1, 2, 3]);
});

test('Channel: a consumer with its window used up is passed over, until it has taken some', () => {
  const bench = new ChannelBench();
  const slow = bench.subscribe(10, { windowBytes: 1 });
  bench.subscribe(10);
  bench.put(...many(4));
  const first = counts(bench.deliver());
  bench.put(...many(4));
  const second = counts(bench.deliver());
  slow.windowBytes = 1000;
  bench.channel.onCapacity(slow);
  bench.put(...many(4));

  const third = counts(bench.deliver());

  assert.deepStrictEqual([first, second, third], [{ 1: 1, 2: 3 }, { 2: 4 }, { 1: 1, 2: 3 }]);
});

test('Channel: stops at the limit of a turn, and says that there is more', () => {
  const bench = new ChannelBench();
  bench.subscribe(2500);
  bench.put(...many(2000));

  const delivered = [bench.channel.deliver(300, 0), bench.channel.deliver(3000, 0)];

  assert.deepStrictEqual(delivered, [512, 1488]);
});

test('Channel: is blocked by a full deliver ring and goes on where it stopped', () => {
  const bench = new ChannelBench({ ringBytes: 256 * 1024 });
  bench.subscribe(100);
  const sent = many(12).map((body) => body.padEnd(30_000, 'x'));
  for (const body of sent) bench.put(body);
  const got: Got[] = [];

  let outcome = bench.channel.deliver(4096, 0);
  const wasBlocked = outcome === BLOCKED;
  while (outcome === BLOCKED) {
    got.push(...bench.take());
    outcome = bench.channel.deliver(4096, 0);
  }
  got.push(...bench.take());

  assert.deepStrictEqual([wasBlocked, bodies(got)], [true, sent]);
  assert.equal(bench.channel.inFlightCount, sent.length);
});

test('Channel: FIN of what is not there, not there any more, or not its own is refused', () => {
  const bench = new ChannelBench();
  const [owner, other] = [bench.subscribe(1), bench.subscribe(0)];
  bench.put('a');
  const [{ id }] = bench.deliver();

  const outcomes = [
    bench.finish(owner, UNKNOWN_ID),
    bench.finish(other, id),
    bench.finish(owner, id),
    bench.finish(owner, id),
  ];

  assert.deepStrictEqual(outcomes, [
    REFUSED_NOT_IN_FLIGHT,
    REFUSED_NOT_OWNER,
    ACCEPTED,
    REFUSED_NOT_IN_FLIGHT,
  ]);
  assert.deepStrictEqual([owner.finishCount, other.finishCount, owner.inFlightCount], [1, 0, 0]);
});

test('Channel: REQ and TOUCH are refused as FIN is', () => {
  const bench = new ChannelBench();
  const [owner, other] = [bench.subscribe(1), bench.subscribe(0)];
  bench.put('a');
  const [{ id }] = bench.deliver();

  const outcomes = [
    bench.requeue(owner, UNKNOWN_ID, 0),
    bench.requeue(other, id, 0),
    bench.touch(owner, UNKNOWN_ID),
    bench.touch(other, id),
    bench.touch(owner, id),
  ];

  assert.deepStrictEqual(outcomes, [
    REFUSED_NOT_IN_FLIGHT,
    REFUSED_NOT_OWNER,
    REFUSED_NOT_IN_FLIGHT,
    REFUSED_NOT_OWNER,
    ACCEPTED,
  ]);
  assert.equal(bench.channel.tallies.requeueCount, 0);
});

test('Channel: REQ 0 puts a message at the end of the queue, with its attempts', () => {
  const bench = new ChannelBench();
  const consumer = bench.subscribe(1);
  bench.put('a', 'b');
  const [a] = bench.deliver();
  bench.requeue(consumer, a.id, 0);
  const [b] = bench.deliver();
  bench.finish(consumer, b.id);

  const [again] = bench.deliver();

  assert.deepStrictEqual([b.body, again], ['b', { ...a, attempts: 2 }]);
  assert.deepStrictEqual([bench.channel.tallies.requeueCount, consumer.requeueCount], [1, 1]);
  assert.equal(bench.channel.messageCount, 2);
});

test('Channel: REQ with a delay defers the message, then puts it at the end', () => {
  const bench = new ChannelBench();
  const consumer = bench.subscribe(1);
  bench.put('a');
  const [{ id }] = bench.deliver();
  bench.requeue(consumer, id, 50);
  bench.advance(49);
  const early = bench.deliver();
  const { deferredCount } = bench.channel;
  bench.advance(1);

  const got = bench.deliver();

  assert.deepStrictEqual([early, deferredCount, bench.channel.deferredCount], [[], 1, 0]);
  assert.deepStrictEqual(
    got.map(({ body, attempts }) => `${body} ${attempts}`),
    ['a 2'],
  );
});

test('Channel: a message that is not answered in time goes to the end of the queue', () => {
  const bench = new ChannelBench();
  const consumer = bench.subscribe(1, { msgTimeoutMs: 100 });
  bench.put('a', 'b');
  const [{ id }] = bench.deliver();
  bench.advance(99);
  const before = bench.channel.tallies.timeoutCount;
  bench.advance(1);

  const outcome = bench.finish(consumer, id);

  assert.deepStrictEqual([before, bench.channel.tallies.timeoutCount], [0, 1]);
  assert.equal(outcome, REFUSED_NOT_IN_FLIGHT);
  assert.deepStrictEqual(bodies(bench.deliver()), ['b']);
});

test('Channel: TOUCH puts a timeout off, but not beyond the greatest', () => {
  const bench = new ChannelBench({ maxMsgTimeoutMs: 250 });
  const consumer = bench.subscribe(1, { msgTimeoutMs: 100 });
  bench.put('a');
  const [{ id }] = bench.deliver();
  const timeouts: number[] = [];
  for (let i = 0; i < 3; i++) {
    bench.advance(80);
    bench.touch(consumer, id);
    timeouts.push(bench.channel.tallies.timeoutCount);
  }
  bench.advance(10);

  timeouts.push(bench.channel.tallies.timeoutCount);

  assert.deepStrictEqual(timeouts, [0, 0, 0, 1]);
});

test('Channel: what a consumer leaves behind times out, and goes to another', () => {
  const bench = new ChannelBench();
  const leaving = bench.subscribe(1);
  bench.put('a');
  bench.deliver();
  bench.channel.unsubscribe(leaving);
  const staying = bench.subscribe(1);
  const early = bench.deliver();
  bench.advance(100);

  const got = bench.deliver();

  assert.deepStrictEqual(
    [early, counts(got), leaving.inFlightCount],
    [[], { [staying.number]: 1 }, 0],
  );
  assert.deepStrictEqual([...bench.channel.consumers], [staying]);
});

test('Channel: nothing is delivered while it is paused, but answers count', () => {
  const bench = new ChannelBench();
  const consumer = bench.subscribe(2);
  bench.put('a', 'b', 'c');
  const [{ id }] = bench.deliver();
  bench.channel.pause(true);
  const outcome = bench.finish(consumer, id);
  const paused = bench.deliver();
  const before = bench.activations;
  bench.channel.pause(false);

  const got = bench.deliver();

  assert.deepStrictEqual([outcome, paused, bodies(got)], [ACCEPTED, [], ['c']]);
  assert.equal(bench.activations, before + 1);
});

test('Channel: empty drops what waits, what is in flight and what is deferred, for its consumers too', () => {
  const bench = new ChannelBench({ memoryMax: 3 });
  const [consumer, gone] = [bench.subscribe(2), bench.subscribe(1)];
  const first = bench.put(...many(6));
  const got = bench.deliver();
  bench.requeue(consumer, got[0].id, 1000);
  bench.channel.unsubscribe(gone);
  const done: (string | null)[] = [];

  bench.channel.empty((error) => done.push(error));

  const { inFlightCount, deferredCount, queue } = bench.channel;
  assert.deepStrictEqual([inFlightCount, deferredCount, queue.depth, done], [0, 0, 0, [null]]);
  assert.deepStrictEqual([consumer.inFlightCount, gone.inFlightCount], [0, 0]);
  assert.equal(bench.finish(consumer, got[1].id), REFUSED_NOT_IN_FLIGHT);
  assert.throws(() => bench.store.release(first, 1), /released once for each reference/);
  bench.put('after');
  assert.deepStrictEqual(bodies(bench.deliver()), ['after']);
});

test('Channel: what it keeps of another channel is not touched by empty', () => {
  const bench = new ChannelBench();
  bench.subscribe(1);
  bench.put('a');
  bench.deliver();
  bench.deferred.add({ channelNumber: 99, first: NONE }, bench.put('b'), 0, 1000);

  bench.channel.empty(() => undefined);

  assert.deepStrictEqual([bench.inFlight.count, bench.deferred.count], [0, 1]);
});

test('Channel: deferred messages count when they come and wait for their time', () => {
  const bench = new ChannelBench();
  bench.subscribe(10);
  const position = bench.put('now', 'later', 'later too');
  bench.deliver();
  bench.store.retain(position, 3, 1);
  bench.channel.putDeferred(position + 1, 2, 200, null);
  const counted = [bench.channel.messageCount, bench.channel.deferredCount];
  bench.advance(200);

  assert.deepStrictEqual(counted, [5, 2]);
  assert.deepStrictEqual(bodies(bench.deliver()).slice(-2), ['later', 'later too']);
});

test('Channel: close keeps everything, with attempts and due times, and ends the backend', () => {
  const bench = new ChannelBench();
  const consumer = bench.subscribe(2);
  bench.put(...many(3));
  const got = bench.deliver();
  bench.requeue(consumer, got[0].id, 1000);
  bench.channel.pause(true);

  bench.channel.close(() => undefined);

  bench.backend.forget();
  assert.deepStrictEqual(bench.backend.puts, ['1 1 0', `0 1 ${UNIX_MS + 1000}`, '2 0 0']);
  assert.deepStrictEqual(bench.backend.log, ['close']);
  assert.deepStrictEqual([bench.inFlight.count, bench.deferred.count], [0, 0]);
  assert.equal(bench.store.referenceCount, 0);
});

test('Channel: messages from disk are not counted as delivered, those from memory are', () => {
  const bench = new ChannelBench({ memoryMax: 2 });
  bench.subscribe(10);
  bench.put(...many(5));
  bench.backend.read();

  const got = bench.deliver();

  assert.deepStrictEqual([got.length, bench.channel.takenCounts.global], [5, 2]);
});

test('Channel: a sampled channel empties, whoever samples', () => {
  const numbers = [0.5, 0.05, 0.9, 0.01];
  const bench = new ChannelBench({ random: () => numbers.shift() ?? 0.99 });
  bench.subscribe(100, { sampleRate: 10 });
  bench.put(...many(10));

  const got = bench.deliver();

  assert.deepStrictEqual([bodies(got), bench.channel.queue.depth], [['1', '3'], 0]);
  assert.deepStrictEqual([bench.channel.takenCounts.global, bench.channel.inFlightCount], [10, 2]);
});

test('Channel: a consumer in the zone goes before one in the region, and both before others', () => {
  const bench = new ChannelBench();
  const far = bench.subscribe(5, { locality: 'global' });
  const region = bench.subscribe(2, { locality: 'region' });
  const zone = bench.subscribe(2, { locality: 'zone' });
  bench.put('1', '2', '3', '4', '5');

  bench.deliver();

  assert.deepStrictEqual([zone.inFlightCount, region.inFlightCount, far.inFlightCount], [2, 2, 1]);
  assert.deepStrictEqual(bench.channel.takenCounts, { zone: 2, region: 2, global: 1 });
});
