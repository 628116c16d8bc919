import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Barrier } from '../../../../scripts/bench/brokers/brokers-command.ts';

test('Barrier: nobody goes before all have come', async () => {
  const barrier = new Barrier(2);
  const gone: string[] = [];
  const first = barrier.arrive().then(() => gone.push('first'));
  await Promise.resolve();
  assert.equal(gone.length, 0);

  const second = barrier.arrive().then(() => gone.push('second'));
  await Promise.all([first, second]);

  assert.deepStrictEqual(gone, ['first', 'second']);
});

test('Barrier: who waits for somebody who will not come is released', async () => {
  const barrier = new Barrier(2);
  const waiting = barrier.arrive();

  barrier.release();

  await waiting;
});
