import assert from 'node:assert/strict';
import { test } from 'node:test';
import { percentile } from '../../../../../scripts/checkers/hostile/control-pair.ts';

const LATENCIES = Array.from({ length: 100 }, (_, index) => 100 - index);

test('control pair: a percentile is a latency that this share does not exceed', () => {
  const told = { latencies: LATENCIES, refused: 0, oldestMs: 0, isConnected: true };

  const found = [0.5, 0.99, 1].map((share) => percentile(told, share));

  assert.deepEqual(found, [51, 100, 100]);
});

test('control pair: what is still on its way counts with its age', () => {
  const told = { latencies: [1, 2], refused: 0, oldestMs: 5000, isConnected: true };

  assert.equal(percentile(told, 0.99), 5000);
});

test('control pair: without messages there is no latency', () => {
  const told = { latencies: [], refused: 0, oldestMs: 0, isConnected: true };

  assert.equal(percentile(told, 0.99), 0);
});
