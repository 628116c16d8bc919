/** Disk queues from random seeds, on disks that lose power and whose calls fail; `scripts/crash-disk.ts` runs more. */

import { test } from 'node:test';
import { freshSeed, seedCount } from '../support/seeded-random.ts';
import { runLife } from './random-life.ts';

const SEEDS = seedCount({ few: 40, many: 300 });
const OPERATIONS = 150;

for (const isDurable of [false, true]) {
  for (const hasFaults of [false, true]) {
    const what = hasFaults ? 'crashes and failing calls' : 'crashes';
    const promise = isDurable ? ', with all that was acknowledged as durable' : '';
    test(`DiskQueue: lives through any ${what}${promise}`, (t) => {
      const from = freshSeed() % 1_000_000_000;
      t.diagnostic(`seeds from ${from}`);

      for (let seed = from; seed < from + SEEDS; seed++) {
        runLife({ seed, operations: OPERATIONS, hasFaults, isDurable });
      }
    });
  }
}

test('DiskQueue: lives through what once was too much for it', () => {
  const operations = 200;
  // Segments that came back, metadata that a crash left older than its copy, states that went before their segments,
  // copies that the next process wrote over before they had done their work, attempts torn off by a sector's end,
  // metadata that a kill left in a place that was not durable.
  for (const seed of [912, 1097, 1458, 1462, 20_036, 103_821, 22_225_313, 30_010_344, 30_015_059]) {
    runLife({ seed, operations, hasFaults: false });
  }
  // The same with failing calls: syncs that failed for several files, copies that were moved before one failed, a
  // removal that was not synced, metadata whose copy could not be written, an append that was undone in part, checksums
  // of a removed queue that a power loss has left for the next one, moved records that were undone and came back.
  const failing = [5160, 5177, 31_683, 201_827, 50_010_743, 50_013_528, 50_035_908, 50_037_722];
  for (const seed of [...failing, 150_011_383, 553_028_756, 710_015_753]) {
    runLife({ seed, operations, hasFaults: true });
  }
  // A copy that a process has cut off without a sync that succeeded, and that came back after the next process.
  runLife({ seed: 5_023_729, operations: 60, hasFaults: true, isDurable: true });
});
