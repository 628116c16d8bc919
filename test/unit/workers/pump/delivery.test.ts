import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BLOCKED, Delivery } from '../../../../src/workers/pump/delivery.ts';
import { ChannelBench } from '../../../support/channel-bench.ts';
import { frameBytes } from '../../../support/message-bytes.ts';
import { putRecordInStore } from '../../../support/pump-parts.ts';

const TIMESTAMP_NS = 1_700_000_000_000_000_000n;

/** A delivery over the bench's own parts. */
function makeDelivery(bench: ChannelBench, random = (): number => 0): Delivery {
  return new Delivery(bench.store, bench.inFlight, bench.main.producer, bench.meter, random);
}

test('Delivery: frames go straight into the ring, many to a record, each message in flight', () => {
  const bench = new ChannelBench();
  bench.put('a', 'bc');
  bench.put('d');
  const consumer = bench.subscribe(10);
  bench.channel.queue.look();

  const taken = makeDelivery(bench).send(consumer, bench.channel.queue, 10, 0);
  bench.main.producer.publish();
  const [heard] = bench.main.take();

  assert.ok('frames' in heard);
  const bytes = heard.frames.map(({ id, body }) => frameBytes(TIMESTAMP_NS, 1, id, body).length);
  assert.deepStrictEqual(
    [taken, heard.frames.map(({ body }) => body), heard.consumer, bench.main.recordCount],
    [3, ['a', 'bc', 'd'], consumer.number, 1],
  );
  assert.deepStrictEqual(
    [consumer.inFlightCount, consumer.messageCount, 1024 * 1024 - consumer.windowBytes],
    [3, 3, bytes.reduce((sum, size) => sum + size)],
  );
});

test('Delivery: sends no more than the limit', () => {
  const bench = new ChannelBench();
  bench.put('a', 'b', 'c', 'd');
  const consumer = bench.subscribe(10);
  bench.channel.queue.look();

  const taken = makeDelivery(bench).send(consumer, bench.channel.queue, 3, 0);

  assert.deepStrictEqual([taken, bench.take().length, bench.channel.queue.depth], [3, 3, 1]);
});

test('Delivery: a record ends before 64 KiB, or holds one message that is larger', () => {
  const bench = new ChannelBench();
  const delivery = makeDelivery(bench);
  bench.put(...new Array<string>(5).fill('x'.repeat(20_000)));
  bench.put('y'.repeat(100_000));
  bench.put('z');
  const consumer = bench.subscribe(10);
  const taken: number[] = [];

  while (bench.channel.queue.look()) {
    taken.push(delivery.send(consumer, bench.channel.queue, 10, 0));
  }

  assert.deepStrictEqual(taken, [3, 2, 1, 1]);
});

test('Delivery: sends what the window holds, or one message beyond it', () => {
  const bench = new ChannelBench();
  const delivery = makeDelivery(bench);
  bench.put('x'.repeat(1000), 'x'.repeat(1000), 'y'.repeat(5000), 'z');
  const consumer = bench.subscribe(10, { windowBytes: 2500 });
  const steps: number[][] = [];

  for (let i = 0; i < 2; i++) {
    bench.channel.queue.look();
    const taken = delivery.send(consumer, bench.channel.queue, 10, 0);
    steps.push([taken, consumer.windowBytes]);
  }

  assert.deepStrictEqual(steps, [
    [2, 2500 - 2 * 1034],
    [1, 2500 - 2 * 1034 - 5034],
  ]);
  assert.equal(consumer.capacity, 0);
});

test('Delivery: is blocked by a full ring, and nothing is lost or counted', () => {
  const bench = new ChannelBench({ ringBytes: 256 * 1024 });
  const delivery = makeDelivery(bench);
  const bodies = Array.from({ length: 12 }, (_, i) => `${i}`.padEnd(30_000, 'x'));
  for (const body of bodies) bench.put(body);
  const consumer = bench.subscribe(100);
  const seen: string[] = [];
  const outcomes: number[] = [];

  while (bench.channel.queue.look()) {
    const taken = delivery.send(consumer, bench.channel.queue, 100, 0);
    outcomes.push(taken);
    if (taken !== BLOCKED) continue;
    assert.equal(consumer.inFlightCount + bench.channel.queue.depth, bodies.length);
    seen.push(...bench.take().map(({ body }) => body));
  }
  seen.push(...bench.take().map(({ body }) => body));

  assert.deepStrictEqual(seen, bodies);
  assert.ok(outcomes.includes(BLOCKED));
  assert.equal(consumer.messageCount, bodies.length);
});

test('Delivery: attempts go on from the last sending, or from the disk record, and wrap at 65536', () => {
  const bench = new ChannelBench();
  const { queue } = bench.channel;
  bench.put('fresh');
  queue.put(putRecordInStore(bench.store, 'read', 7), 1, 0, 0, 0, null);
  queue.put(putRecordInStore(bench.store, 'requeued', 7), 1, 9, 9, 0, null);
  queue.put(putRecordInStore(bench.store, 'wrapped', 0), 1, 65_535, 65_535, 0, null);
  const consumer = bench.subscribe(10);
  queue.look();

  makeDelivery(bench).send(consumer, queue, 10, 0);

  assert.deepStrictEqual(
    bench.take().map(({ body, attempts }) => `${body} ${attempts}`),
    ['fresh 1', 'read 8', 'requeued 10', 'wrapped 0'],
  );
});

test('Delivery: messages from the backend stay in its files when they are sent', () => {
  const bench = new ChannelBench({ memoryMax: 1 });
  bench.put('a', 'b', 'c');
  bench.backend.read();
  const consumer = bench.subscribe(10);
  const delivery = makeDelivery(bench);
  bench.channel.queue.look();

  const taken = delivery.send(consumer, bench.channel.queue, 10, 0);

  assert.deepStrictEqual([taken, delivery.fromMemory, bench.backend.log], [3, 1, []]);
});

test('Delivery: a consumer that takes samples keeps rate + 1 percent, the rest is dropped for all', () => {
  const bench = new ChannelBench();
  const numbers = [0.1, 0.11, 0.999, 0, 0.109, 0.5];
  const position = bench.put('a', 'b', 'c', 'd', 'e', 'f');
  const consumer = bench.subscribe(10, { sampleRate: 10 });
  bench.channel.queue.look();

  const random = (): number => numbers.shift() ?? 0;
  const taken = makeDelivery(bench, random).send(consumer, bench.channel.queue, 10, 0);

  assert.deepStrictEqual(
    bench.take().map(({ body }) => body),
    ['a', 'd', 'e'],
  );
  assert.deepStrictEqual(
    [taken, consumer.inFlightCount, consumer.messageCount, bench.channel.queue.depth],
    [6, 3, 3, 0],
  );
  bench.store.release(position, 3);
  assert.throws(() => bench.store.release(position, 1), /released once for each reference/);
});

test('Delivery: records of messages from disk that are sampled out are finished', () => {
  const bench = new ChannelBench({ memoryMax: 0 });
  const numbers = [0.99, 0, 0.99, 0];
  bench.put('0', '1', '2', '3');
  bench.backend.read();
  const consumer = bench.subscribe(10, { sampleRate: 10 });
  bench.channel.queue.look();

  const random = (): number => numbers.shift() ?? 0;
  const delivery = makeDelivery(bench, random);
  const taken = delivery.send(consumer, bench.channel.queue, 10, 0);

  assert.deepStrictEqual([taken, bench.backend.log], [4, ['finish 0', 'finish 2']]);
  assert.deepStrictEqual(
    bench.take().map(({ body }) => body),
    ['1', '3'],
  );
  assert.equal(bench.store.referenceCount, 2);
});

test('Delivery: writes no record when all messages were sampled out', () => {
  const bench = new ChannelBench();
  bench.put('a', 'b');
  const consumer = bench.subscribe(10, { sampleRate: 10 });
  bench.channel.queue.look();

  const taken = makeDelivery(bench, () => 0.99).send(consumer, bench.channel.queue, 10, 0);

  assert.deepStrictEqual([taken, bench.take(), bench.main.producer.position], [2, [], 0]);
});
