import { test } from 'node:test';
import { freshSeed } from '../support/seeded-random.ts';
import { fuzzHttpHeads } from './http-heads.ts';

const ROUNDS = 200;

test('fuzz: the HTTP API answers whatever it is asked', { timeout: 120_000 }, async (t) => {
  const seed = freshSeed();
  t.diagnostic(`seed ${seed}`);

  await fuzzHttpHeads(t, seed, (rounds) => rounds === ROUNDS);
});
