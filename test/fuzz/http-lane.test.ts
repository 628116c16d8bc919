import { test } from 'node:test';
import { freshSeed } from '../support/seeded-random.ts';
import { fuzzHttpLane } from './http-lane.ts';

const ROUNDS = 200;

test('fuzz: the fast lane for HTTP answers as Node does', { timeout: 120_000 }, async (t) => {
  const seed = freshSeed();
  t.diagnostic(`seed ${seed}`);

  await fuzzHttpLane(t, seed, (rounds) => rounds === ROUNDS);
});
