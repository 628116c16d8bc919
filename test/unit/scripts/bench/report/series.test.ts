import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seriesText } from '../../../../../scripts/bench/report/formats.ts';

test('seriesText: a column for each entry, and how often a rate is the first one', () => {
  const text = seriesText('publish', [
    { head: '1 pump', unit: 'msg', figures: { rate: 1000, cpuUs: 0.5 } },
    { head: '2 pump', unit: 'msg', figures: { rate: 1500 } },
  ]);

  assert.deepStrictEqual(
    text.split('\n').map((line) => line.trim().replace(/ {2,}/g, '|')),
    [
      'publish',
      '1 pump|2 pump',
      'rate|1,000 msg/s|1,500 msg/s',
      '× 1.00|× 1.50',
      'server CPU|0.50 µs/msg|not known',
    ],
  );
});
