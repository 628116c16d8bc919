import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Barrier } from '../../../../scripts/bench/brokers/brokers-command.ts';

test('Barrier: no party goes before all have arrived', async () => {
  const barrier = new Barrier(2);
  const gone: string[] = [];
  const first = barrier.arrive().then(() => gone.push('first'));
  await Promise.resolve();
  assert.equal(gone.length, 0);

  const second = barrier.arrive().then(() => gone.push('second'));
  await Promise.all([first, second]);

  assert.deepStrictEqual(gone, ['first', 'second']);
});

test('Barrier: a party that waits for one that will not come is released', async () => {
  const barrier = new Barrier(2);
  const waiting = barrier.arrive();

  barrier.release();

  await waiting;
});
