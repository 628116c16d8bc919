/** An operator who works with messages while they come and go and the process is killed, from random seeds. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freshSeed, seedCount } from '../support/seeded-random.ts';
import { liveWithHands } from './hands-life.ts';

const STEPS = 700;

test('messages in hand: nothing is lost, listed twice, or back when it is gone', async (t) => {
  const from = freshSeed() % 1_000_000_000;
  t.diagnostic(`seeds from ${from}`);

  const count = seedCount({ few: 4, many: 24 });
  for (let seed = from; seed < from + count; seed++) await liveWithHands(seed, STEPS);
});

test('messages in hand: the seeds kill the broker in the middle of moves', async () => {
  const figures = await liveWithHands(7, 3000);

  for (const count of Object.values(figures)) assert.ok(count > 0, JSON.stringify(figures));
});
