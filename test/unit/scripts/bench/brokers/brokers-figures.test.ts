import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rateOfAll } from '../../../../../scripts/bench/brokers/brokers-figures.ts';

test('rateOfAll: messages of all, from the first begin to the last end', () => {
  const outcome = { percentiles: null, figures: {} };

  const rate = rateOfAll([
    { startedMs: 1000, outcome: { ...outcome, count: 300, elapsedMs: 100 } },
    { startedMs: 1050, outcome: { ...outcome, count: 100, elapsedMs: 150 } },
  ]);

  assert.equal(rate, 2000);
});
