import { test } from 'node:test';
import { freshSeed } from '../support/seeded-random.ts';
import { fuzz } from './fuzz.ts';

const ROUNDS = 100;

test('fuzz: no parser throws on what comes from outside', { timeout: 120_000 }, async (t) => {
  const seed = freshSeed();
  t.diagnostic(`seed ${seed}`);

  await fuzz(seed, (rounds) => rounds === ROUNDS);
});
