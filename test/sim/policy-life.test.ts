/** Policies that change while messages come and go, from random seeds: each message ends in one place. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freshSeed, seedCount } from '../support/seeded-random.ts';
import { livePolicies } from './policy-life.ts';

const STEPS = 250;

test('policies: every message is finished, dropped by a named rule, or a dead letter', async (t) => {
  const from = freshSeed() % 1_000_000_000;
  t.diagnostic(`seeds from ${from}`);

  const count = seedCount({ few: 8, many: 60 });
  for (let seed = from; seed < from + count; seed++) await livePolicies(seed, STEPS);
});

test('policies: the seeds reach every end that a message can have', async () => {
  const { published, ends } = await livePolicies(7, 1500);

  assert.ok(published > 1000);
  for (const count of Object.values(ends)) assert.ok(count > 0, JSON.stringify(ends));
});

test('policies: what once dropped less than nothing, when expired messages took the bytes of a bound', async () => {
  await livePolicies(398, STEPS);
});
