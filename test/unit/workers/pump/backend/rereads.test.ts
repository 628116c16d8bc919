import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rereads } from '../../../../../src/workers/pump/backend/rereads.ts';

/** Takes this many; returns them. */
function take(rereads: Rereads, count: number): number[] {
  const numbers: number[] = [];
  rereads.take(count, (number) => numbers.push(number));
  return numbers;
}

test('Rereads: numbers come in their order, in runs, beyond 2^32 too', () => {
  const rereads = new Rereads();
  for (const number of [2 ** 32 - 2, 2 ** 32 - 1, 0, 7, 3, 4]) rereads.add(number);
  const front = [rereads.front(100), rereads.front(4)];
  const taken = take(rereads, 2);
  rereads.add(5);

  assert.deepEqual(front, [
    [2 ** 32 - 2, 3, 7, 1, 3, 2],
    [2 ** 32 - 2, 3, 7, 1],
  ]);
  assert.deepEqual(
    [taken, rereads.front(100)],
    [
      [2 ** 32 - 2, 2 ** 32 - 1],
      [0, 1, 7, 1, 3, 3],
    ],
  );
  assert.deepEqual([rereads.count, take(rereads, 5), rereads.count], [5, [0, 7, 3, 4, 5], 0]);
});

test('Rereads: what was taken long ago costs nothing', () => {
  const rereads = new Rereads();
  for (let number = 0; number < 20_000; number += 2) rereads.add(number);
  const sum = take(rereads, 9999).length;
  rereads.add(1);

  assert.deepEqual([sum, rereads.front(9), rereads.count], [9999, [19_998, 1, 1, 1], 2]);
  rereads.clear();
  assert.deepEqual([rereads.front(9), rereads.count], [[], 0]);
});
