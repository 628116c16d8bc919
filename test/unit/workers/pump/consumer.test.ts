import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Consumer } from '../../../../src/workers/pump/consumer.ts';

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
