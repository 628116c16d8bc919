import { test } from 'node:test';
import { runStress } from '../../../stress/ring-stress.ts';

test('Ring: two threads pass 200,000 records', () => {
  return runStress({ records: 200_000, seed: 20260101, capacity: 65536 });
});

test('Ring: two threads pass 20,000 records through the smallest ring', () => {
  return runStress({ records: 20_000, seed: 20260102, capacity: 64 });
});
