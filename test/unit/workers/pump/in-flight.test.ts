import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Consumer } from '../../../../src/workers/pump/consumer.ts';
import { InFlight, NOT_FOUND } from '../../../../src/workers/pump/in-flight.ts';

const MAX_MS = 1000;

function makeConsumer(number: number, channel: number, msgTimeoutMs = 100): Consumer {
  return new Consumer(number, channel, msgTimeoutMs, 0, 1000, 'global');
}

/** A consumer of a channel that has nothing in flight. */
function someoneOn(channel: number): Consumer {
  return makeConsumer(0, channel);
}

/** Entries whose deadline has passed. */
function expired(inFlight: InFlight, nowMs: number): number[] {
  const count = inFlight.deadlines.expire(nowMs);
  return Array.from(inFlight.deadlines.expired.subarray(0, count));
}

test('InFlight: a message is found by channel and id, with all that was added', () => {
  const inFlight = new InFlight(0);
  const consumer = makeConsumer(1, 10);
  inFlight.add(consumer, 4_000_000_000, 65_535, 0xffffffff, 0xfffffffe, 5);

  const entry = inFlight.find(someoneOn(10), 0xffffffff, 0xfffffffe);

  assert.deepStrictEqual(
    [inFlight.consumer(entry), inFlight.position(entry), inFlight.attempts(entry)],
    [consumer, 4_000_000_000, 65_535],
  );
  assert.deepStrictEqual([inFlight.count, consumer.inFlightCount], [1, 1]);
});

test('InFlight: another channel or id is not found', () => {
  const inFlight = new InFlight(0);
  inFlight.add(makeConsumer(1, 10), 1, 1, 7, 8, 0);

  const found = [
    inFlight.find(someoneOn(11), 7, 8),
    inFlight.find(someoneOn(10), 6, 8),
    inFlight.find(someoneOn(10), 7, 9),
  ];

  assert.deepStrictEqual(found, [NOT_FOUND, NOT_FOUND, NOT_FOUND]);
});

test('InFlight: the same id in several channels is a message in each', () => {
  const inFlight = new InFlight(0);
  const consumers = [1, 2, 3].map((channel) => makeConsumer(channel, channel));
  for (const consumer of consumers) inFlight.add(consumer, 100 + consumer.number, 1, 7, 8, 0);

  inFlight.remove(inFlight.find(someoneOn(2), 7, 8));

  const left = [1, 2, 3].map((channel) => inFlight.find(someoneOn(channel), 7, 8));
  assert.equal(left[1], NOT_FOUND);
  assert.deepStrictEqual([inFlight.position(left[0]), inFlight.position(left[2])], [101, 103]);
  assert.deepStrictEqual(
    consumers.map((consumer) => consumer.inFlightCount),
    [1, 0, 1],
  );
});

test('InFlight: a deadline passes after the timeout of the consumer', () => {
  const inFlight = new InFlight(0);
  inFlight.add(makeConsumer(1, 1, 100), 1, 1, 0, 1, 50);
  const entry = inFlight.find(someoneOn(1), 0, 1);

  const batches = [expired(inFlight, 149), expired(inFlight, 150)];

  assert.deepStrictEqual(batches, [[], [entry]]);
});

test('InFlight: an entry that has expired is there until it is removed', () => {
  const inFlight = new InFlight(0);
  const consumer = makeConsumer(1, 1);
  inFlight.add(consumer, 1, 1, 0, 1, 0);
  const [entry] = expired(inFlight, 100);

  const found = inFlight.find(someoneOn(1), 0, 1);
  inFlight.remove(entry);

  assert.deepStrictEqual([found, inFlight.find(someoneOn(1), 0, 1)], [entry, NOT_FOUND]);
  assert.deepStrictEqual([inFlight.count, consumer.inFlightCount], [0, 0]);
});

test('InFlight: touch starts the timeout anew', () => {
  const inFlight = new InFlight(0);
  inFlight.add(makeConsumer(1, 1, 100), 1, 1, 0, 1, 0);
  const entry = inFlight.find(someoneOn(1), 0, 1);
  expired(inFlight, 90);

  inFlight.touch(entry, 90, MAX_MS);

  assert.deepStrictEqual([expired(inFlight, 189), expired(inFlight, 190)], [[], [entry]]);
});

test('InFlight: touch never moves a deadline beyond the greatest timeout', () => {
  const inFlight = new InFlight(0);
  inFlight.add(makeConsumer(1, 1, 100), 1, 1, 0, 1, 50);
  const entry = inFlight.find(someoneOn(1), 0, 1);
  for (let nowMs = 100; nowMs <= 1000; nowMs += 50) {
    assert.deepEqual(expired(inFlight, nowMs), []);
    inFlight.touch(entry, nowMs, MAX_MS);
  }

  const batches = [expired(inFlight, 1049), expired(inFlight, 1050)];

  assert.deepStrictEqual(batches, [[], [entry]]);
});

test('InFlight: every entry may be removed on a walk', () => {
  const inFlight = new InFlight(0);
  const consumer = makeConsumer(1, 1);
  for (let id = 0; id < 200; id++) inFlight.add(consumer, id, 1, 0, id, 0);
  inFlight.remove(inFlight.find(someoneOn(1), 0, 17));
  const visited: number[] = [];

  inFlight.forEach((entry, owner) => {
    assert.equal(owner, consumer);
    visited.push(inFlight.position(entry));
    inFlight.remove(entry);
  });

  assert.deepStrictEqual([visited.length, inFlight.count, consumer.inFlightCount], [199, 0, 0]);
});

test('InFlight: of a message that is there twice each of two consumers finds its own', () => {
  const inFlight = new InFlight(0);
  const [first, second] = [makeConsumer(1, 10), makeConsumer(2, 10)];
  inFlight.add(first, 100, 1, 7, 8, 0);
  inFlight.add(second, 200, 1, 7, 8, 0);
  const positions = [first, second].map((consumer) =>
    inFlight.position(inFlight.find(consumer, 7, 8)),
  );
  inFlight.remove(inFlight.find(first, 7, 8));
  const left = inFlight.find(first, 7, 8);

  assert.deepStrictEqual([positions, inFlight.position(left)], [[100, 200], 200]);
});

test('InFlight: finds each of very many messages, and nothing else', () => {
  const inFlight = new InFlight(0);
  const consumer = makeConsumer(1, 1);
  const count = 100_000;
  for (let i = 0; i < count; i++) inFlight.add(consumer, i, 1, i % 3, i, 0);
  for (let i = 0; i < count; i += 2) inFlight.remove(inFlight.find(someoneOn(1), i % 3, i));

  let wrong = 0;
  for (let i = 0; i < count; i++) {
    const entry = inFlight.find(someoneOn(1), i % 3, i);
    if (i % 2 === 0 ? entry !== NOT_FOUND : inFlight.position(entry) !== i) wrong++;
  }

  assert.deepStrictEqual([wrong, inFlight.count], [0, count / 2]);
});

test('InFlight: holds what a map holds, through any order of additions and removals', () => {
  const action = fc.record({
    do: fc.constantFrom('add', 'add', 'remove'),
    consumer: fc.integer({ min: 0, max: 3 }),
    high: fc.constantFrom(0, 1, 0xffffffff),
    low: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.constantFrom(0x400000, 0xffffffff)),
  });
  fc.assert(
    fc.property(fc.array(action, { maxLength: 400 }), (actions) => {
      const inFlight = new InFlight(0);
      const consumers = [1, 2, 3, 4].map((number) => makeConsumer(number, 1 + (number % 2)));
      const model = new Map<string, { consumer: Consumer; position: number }>();
      for (const [step, { do: what, consumer: index, high, low }] of actions.entries()) {
        const consumer = consumers[index];
        const key = `${consumer.channelNumber} ${high} ${low}`;
        const entry = inFlight.find(someoneOn(consumer.channelNumber), high, low);
        assert.equal(entry !== NOT_FOUND, model.has(key));
        if (what === 'add' && entry === NOT_FOUND) {
          inFlight.add(consumer, step, 1, high, low, 0);
          model.set(key, { consumer, position: step });
        } else if (what === 'remove' && entry !== NOT_FOUND) {
          const { consumer: owner, position } = model.get(key) ?? assert.fail();
          assert.equal(inFlight.consumer(entry), owner);
          assert.equal(inFlight.position(entry), position);
          inFlight.remove(entry);
          model.delete(key);
        }
      }
      assert.equal(inFlight.count, model.size);
      assert.equal(inFlight.deadlines.count, model.size);
      for (const consumer of consumers) {
        const owned = [...model.values()].filter((message) => message.consumer === consumer);
        assert.equal(consumer.inFlightCount, owned.length);
      }
    }),
  );
});
