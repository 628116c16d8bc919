import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Durations } from '../../../../scripts/bench/percentiles.ts';

function isNear(value: number, wanted: number): boolean {
  return Math.abs(value - wanted) <= wanted * 0.002;
}

test('Durations: percentiles to three digits', () => {
  const durations = new Durations();
  for (let ms = 1; ms <= 10_000; ms++) durations.add(ms);

  const found = durations.percentiles();
  assert.ok(found !== null);
  const { p50, p90, p99, p999, max } = found;
  const pairs = [p50, 5000, p90, 9000, p99, 9900, p999, 9990, max, 10_000];
  for (let i = 0; i < pairs.length; i += 2) {
    assert.ok(isNear(pairs[i], pairs[i + 1]), `${pairs[i]} is not ${pairs[i + 1]}`);
  }
});

test('Durations: nothing has no percentiles', () => {
  assert.equal(new Durations().percentiles(), null);
});

test('Durations: what came early, and what took more than an hour, is counted', () => {
  const durations = new Durations();
  durations.add(-5);
  durations.add(1e12);

  const found = durations.percentiles();
  assert.ok(found !== null);
  assert.ok(found.p50 <= 0.000_001);
  assert.ok(isNear(found.max, 3_600_000));
});
