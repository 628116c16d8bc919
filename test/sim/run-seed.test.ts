import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSeed } from './run-seed.ts';

const failure = new Error('a message is missing');

test('runSeed: what a run comes to is returned', async () => {
  const result = await runSeed(7, { step: 3, run: async () => 'done' });

  assert.equal(result, 'done');
});

test('runSeed: a failure names the seed, the step and the command that runs it again', async () => {
  const life = { step: 3, run: () => Promise.reject(failure) };

  await assert.rejects(runSeed(7, life, 'node run.ts --seed 7'), {
    message: 'seed 7 fails in step 3: a message is missing\nreplay: node run.ts --seed 7',
    cause: failure,
  });
  await assert.rejects(runSeed(7, life), {
    message: 'seed 7 fails in step 3: a message is missing',
  });
});
