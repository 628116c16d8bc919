/** The broker in one thread, from random seeds: every turn is checked, and in the end everything drains. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freshSeed } from '../support/seeded-random.ts';
import type { DiskFaults } from './scenario.ts';
import { simulate } from './simulation.ts';

const STEPS = 1200;

/** Runs seeds from a base that is printed; a failure names its seed and how to run it again. */
async function simulateSeeds(count: number, diskFaults: DiskFaults): Promise<void> {
  const base = freshSeed() % 1_000_000_000;
  console.log(`simulation: seeds ${base} to ${base + count - 1}, disk faults: ${diskFaults}`);
  for (let seed = base; seed < base + count; seed++) {
    await simulate({ seed, steps: STEPS, diskFaults });
  }
}

test('simulation: every message is in one place after every turn, and all drain', async () => {
  await simulateSeeds(200, 'none');
});

test('simulation: disks that fail for a while lose nothing that was accepted', async () => {
  await simulateSeeds(100, 'writes');
});

test('simulation: the same seed takes the same course', async () => {
  const options = { seed: 7, steps: STEPS, diskFaults: 'none' } as const;

  const first = await simulate(options);
  const second = await simulate(options);

  assert.deepEqual(second, first);
});
