import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProducerSet } from '../../../../src/companions/lookupd/producer-set.ts';
import { seededRandom } from '../../../support/seeded-random.ts';

test('ProducerSet: does what a set of numbers does', () => {
  const random = seededRandom(14);
  const set = new ProducerSet();
  const model = new Set<number>();

  for (let step = 0; step < 20_000; step++) {
    const number = random(200);
    const isAdded = random(2) === 0;
    if (isAdded) assert.equal(set.add(number), !model.has(number));
    else assert.equal(set.remove(number), model.has(number));
    if (isAdded) model.add(number);
    else model.delete(number);
    assert.equal(set.has(number), isAdded);
    assert.equal(set.size, model.size);
    if (step % 100 === 0)
      assert.deepEqual(
        [...set],
        [...model].sort((a, b) => a - b),
      );
  }
});
