/** The broker in one thread, from random seeds: every turn is checked, and in the end everything drains. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freshSeed, seedCount } from '../support/seeded-random.ts';
import { simulate, simulateSeeds } from './simulation.ts';

const STEPS = 1200;

test('simulation: every message is in one place after every turn, and all drain', async (t) => {
  const from = freshSeed() % 1_000_000_000;
  t.diagnostic(`seeds from ${from}`);

  await simulateSeeds({
    from,
    count: seedCount({ few: 5, many: 30 }),
    steps: STEPS,
    diskFaults: 'none',
  });
});

test('simulation: what once came to a standstill drains', async () => {
  // Memory full of others, and the channel's last message finished by a consumer that wants no more.
  await simulate({ seed: 20_663_119, steps: STEPS, diskFaults: 'none' });
});

test('simulation: what once was listed again while evicted messages did not fit', async () => {
  await simulate({ seed: 577_308_895, steps: 400, diskFaults: 'none' });
});

test('simulation: what once was listed after its queue was emptied', async () => {
  await simulate({ seed: 31_000_229, steps: STEPS, diskFaults: 'none' });
});

test('simulation: the same seed takes the same course', async () => {
  const options = { seed: 7, steps: STEPS, diskFaults: 'none' } as const;

  const first = await simulate(options);
  const second = await simulate(options);

  assert.deepEqual(second, first);
});
