import assert from 'node:assert/strict';
import { test } from 'node:test';
import { trendOf } from '../../../../../scripts/checkers/soak/trend.ts';

test('trend: a straight line rises by what lies between its ends', () => {
  const trend = trendOf([10, 12, 14, 16, 18]);

  assert.deepEqual(trend, { mean: 14, least: 10, most: 18, rise: 8 });
});

test('trend: what swings does not rise', () => {
  const { rise } = trendOf([5, 9, 5, 9, 5, 9, 5]);

  assert.equal(rise, 0);
});

test('trend: one sample does not rise, none has no trend', () => {
  assert.equal(trendOf([3]).rise, 0);
  assert.throws(() => trendOf([]), /^Error: find a trend: there are no samples$/);
});
