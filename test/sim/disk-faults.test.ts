/** The broker in one thread over disks that fail for a while: nothing that was accepted is lost. */

import { test } from 'node:test';
import { freshSeed, seedCount } from '../support/seeded-random.ts';
import { simulate, simulateSeeds } from './simulation.ts';

const STEPS = 1200;

test('simulation: disks that do not write for a while lose nothing that was accepted', async (t) => {
  const from = freshSeed() % 1_000_000_000;
  t.diagnostic(`seeds from ${from}`);

  await simulateSeeds({
    from,
    count: seedCount({ few: 4, many: 24 }),
    steps: STEPS,
    diskFaults: 'writes',
  });
});

test('simulation: disks that do not read for a while lose nothing that was accepted', async (t) => {
  const from = freshSeed() % 1_000_000_000;
  t.diagnostic(`seeds from ${from}`);

  await simulateSeeds({
    from,
    count: seedCount({ few: 3, many: 16 }),
    steps: STEPS,
    diskFaults: 'reads',
  });
});

test('simulation: queues that could not be opened after a restart are read later', async () => {
  await simulate({ seed: 49, steps: STEPS, diskFaults: 'reads' });
  await simulate({ seed: 195, steps: STEPS, diskFaults: 'reads' });
});

test('simulation: a listing goes on behind evicted messages that did not fit a page', async () => {
  await simulate({ seed: 574_617_541, steps: STEPS, diskFaults: 'writes' });
});

test('simulation: a listing does not make a queue read on', async () => {
  await simulate({ seed: 575_205_525, steps: STEPS, diskFaults: 'writes' });
});
