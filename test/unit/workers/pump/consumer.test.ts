import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Locality } from '../../../../src/shared/control.ts';
import { Consumer, ReadyConsumers } from '../../../../src/workers/pump/consumer.ts';
import { freshSeed, seededRandom } from '../../../support/seeded-random.ts';

function makeConsumer(fields: Partial<Consumer>): Consumer {
  return Object.assign(new Consumer(1, 1, 60_000, 0, 1000, 'global'), fields);
}

test('Consumer: has capacity for its ready count less what it has in flight', () => {
  const capacities = [
    makeConsumer({}).capacity,
    makeConsumer({ readyCount: 5 }).capacity,
    makeConsumer({ readyCount: 5, inFlightCount: 3 }).capacity,
    makeConsumer({ readyCount: 5, inFlightCount: 5 }).capacity,
    makeConsumer({ readyCount: 5, inFlightCount: 9 }).capacity,
  ];

  assert.deepStrictEqual(capacities, [0, 5, 2, 0, 0]);
});

test('Consumer: has no capacity after CLS, or while its window is used up', () => {
  const capacities = [
    makeConsumer({ readyCount: 5, isClosing: true }).capacity,
    makeConsumer({ readyCount: 5, windowBytes: 0 }).capacity,
    makeConsumer({ readyCount: 5, windowBytes: -100 }).capacity,
    makeConsumer({ readyCount: 5, windowBytes: 1 }).capacity,
  ];

  assert.deepStrictEqual(capacities, [0, 0, 0, 5]);
});

/** The most local first. */
const LOCALITIES: readonly Locality[] = ['zone', 'region', 'global'];

function consumerOf(number: number, locality: Locality, readyCount = 1): Consumer {
  return Object.assign(new Consumer(number, 1, 60_000, 0, 1000, locality), { readyCount });
}

test('ReadyConsumers: the most local come first, equals in the order in which they were added', () => {
  const ready = new ReadyConsumers();
  for (const consumer of [
    consumerOf(1, 'global'),
    consumerOf(2, 'region'),
    consumerOf(3, 'zone'),
    consumerOf(4, 'zone'),
  ]) {
    ready.add(consumer);
  }

  const turns: (number | undefined)[] = [];
  for (let turn = 0; turn < 5; turn++) {
    const next = ready.next();
    turns.push(next?.number);
    if (next !== undefined) ready.delete(next);
  }

  assert.deepStrictEqual(turns, [3, 4, 2, 1, undefined]);
});

test('ReadyConsumers: who is there already keeps its place', () => {
  const ready = new ReadyConsumers();
  const first = consumerOf(1, 'global');
  ready.add(first);
  ready.add(consumerOf(2, 'global'));

  ready.add(first);

  assert.deepStrictEqual([ready.next()?.number, ready.equalCount(first)], [1, 2]);
});

test('ReadyConsumers: take turns as three lists do', () => {
  const seed = freshSeed();
  console.log(`seed ${seed}`);
  const random = seededRandom(seed);
  const ready = new ReadyConsumers();
  const everybody = Array.from({ length: 30 }, (_, number) =>
    consumerOf(number, LOCALITIES[number % 3]),
  );
  let model: Consumer[] = [];
  for (let step = 0; step < 10_000; step++) {
    const consumer = everybody[random(everybody.length)];
    const kind = random(4);
    if (kind === 0) {
      if (!model.includes(consumer)) model.push(consumer);
      ready.add(consumer);
    } else if (kind === 1) {
      model = model.filter((other) => other !== consumer);
      ready.delete(consumer);
    } else if (kind === 2) consumer.readyCount = random(2);
    else {
      let expected: Consumer | undefined;
      for (const locality of LOCALITIES) {
        const equals = model.filter((other) => other.locality === locality);
        expected ??= equals.find(({ readyCount }) => readyCount > 0);
        const dropped = equals.slice(
          0,
          expected === undefined ? undefined : equals.indexOf(expected),
        );
        if (expected === undefined || expected.locality === locality) {
          model = model.filter((other) => !dropped.includes(other));
        }
      }

      assert.equal(ready.next(), expected, `step ${step}`);
    }

    const equals = model.filter((other) => other.locality === consumer.locality);
    assert.deepStrictEqual(
      [ready.isEmpty, ready.equalCount(consumer)],
      [model.length === 0, equals.length],
      `step ${step}`,
    );
  }
});
