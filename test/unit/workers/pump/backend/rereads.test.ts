import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Recalls } from '../../../../../src/workers/pump/backend/rereads.ts';

/** Takes so many off; returns them. */
function take(recalls: Recalls, count: number): number[] {
  const numbers: number[] = [];
  recalls.take(count, (number) => numbers.push(number));
  return numbers;
}

test('Recalls: numbers come in their order, in runs, beyond 2^32 too', () => {
  const recalls = new Recalls();
  for (const number of [2 ** 32 - 2, 2 ** 32 - 1, 0, 7, 3, 4]) recalls.add(number);
  const front = [recalls.front(100), recalls.front(4)];
  const taken = take(recalls, 2);
  recalls.add(5);

  assert.deepEqual(front, [
    [2 ** 32 - 2, 3, 7, 1, 3, 2],
    [2 ** 32 - 2, 3, 7, 1],
  ]);
  assert.deepEqual(
    [taken, recalls.front(100)],
    [
      [2 ** 32 - 2, 2 ** 32 - 1],
      [0, 1, 7, 1, 3, 3],
    ],
  );
  assert.deepEqual([recalls.count, take(recalls, 5), recalls.count], [5, [0, 7, 3, 4, 5], 0]);
});

test('Recalls: what was taken long ago costs nothing', () => {
  const recalls = new Recalls();
  for (let number = 0; number < 20_000; number += 2) recalls.add(number);
  const sum = take(recalls, 9999).length;
  recalls.add(1);

  assert.deepEqual([sum, recalls.front(9), recalls.count], [9999, [19_998, 1, 1, 1], 2]);
  recalls.clear();
  assert.deepEqual([recalls.front(9), recalls.count], [[], 0]);
});
