/** Disk queues from random seeds, on disks that lose power and whose calls fail; `scripts/crash-disk.ts` runs more. */

import { test } from 'node:test';
import { freshSeed } from '../support/seeded-random.ts';
import { runLife } from './random-life.ts';

const SEEDS = 100;
const OPERATIONS = 150;

for (const hasFaults of [false, true]) {
  const what = hasFaults ? 'crashes and failing calls' : 'crashes';
  test(`DiskQueue: lives through any ${what}`, (t) => {
    const from = freshSeed() % 1_000_000_000;
    t.diagnostic(`seeds from ${from}`);

    for (let seed = from; seed < from + SEEDS; seed++) {
      runLife({ seed, operations: OPERATIONS, hasFaults });
    }
  });
}
