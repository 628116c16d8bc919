/** Clients and a model of brokers over connections that break, from random seeds. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freshSeed, seedCount } from '../../support/seeded-random.ts';
import { simulateClients } from './client-simulation.ts';

const SEED_COUNT = seedCount({ few: 80, many: 600 });
const STEPS = 600;

test('client simulation: nothing is lost or answered twice, and all clients close', async (t) => {
  const from = freshSeed() % 1_000_000_000;
  t.diagnostic(`seeds from ${from}`);

  for (let seed = from; seed < from + SEED_COUNT; seed++) {
    await simulateClients({ seed, steps: STEPS });
  }
});

test('client simulation: what once did not hold', async () => {
  // Closed before its last answers had left.
  await simulateClients({ seed: 3, steps: STEPS });
  // Slowed down, and told so, while it was closing.
  await simulateClients({ seed: 54, steps: STEPS });
  // Kept a timer that was set after its end.
  await simulateClients({ seed: 310, steps: STEPS });
});

test('client simulation: the same seed takes the same course', async () => {
  const first = await simulateClients({ seed: 7, steps: STEPS });
  const second = await simulateClients({ seed: 7, steps: STEPS });

  assert.deepEqual(second, first);
});
