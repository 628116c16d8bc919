/** Replicated topics over a fake store, from random seeds: what was acknowledged is finished in the end. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freshSeed } from '../support/seeded-random.ts';
import { replicatedLife } from './replicated-life.ts';

const STEPS = 200;
const SEEDS = 6;

test('replicated topics: what was acknowledged comes to each channel that was answered before', async (t) => {
  const from = freshSeed() % 1_000_000_000;
  t.diagnostic(`seeds from ${from}`);
  const sum = { published: 0, acknowledged: 0, refused: 0, redelivered: 0 };

  for (let seed = from; seed < from + SEEDS; seed++) {
    const counts = await replicatedLife(seed, STEPS);
    sum.published += counts.published;
    sum.acknowledged += counts.acknowledged;
    sum.refused += counts.refused;
    sum.redelivered += counts.redelivered;
  }

  t.diagnostic(JSON.stringify(sum));
  // Few seeds may come to no redelivery.
  const { published, acknowledged, refused } = sum;
  for (const count of [published, acknowledged, refused]) assert.ok(count > 0, JSON.stringify(sum));
});
