import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { atOnce } from '../../../../src/daemon/slices.ts';
import {
  type LatencySummary,
  ProcessingLatency,
} from '../../../../src/workers/pump/processing-latency.ts';

const WINDOW_MS = 1000;
const QUANTILES = [1, 0.99, 0.95, 0.5];

function summary(...of: Parameters<typeof ProcessingLatency.summarize>): LatencySummary {
  return atOnce(ProcessingLatency.summarize(...of));
}

test('ProcessingLatency: without samples every percentile is 0', () => {
  const latency = new ProcessingLatency(WINDOW_MS, 0);

  assert.deepEqual(summary([latency], QUANTILES, 0), {
    count: 0,
    values: [0, 0, 0, 0],
  });
});

test('ProcessingLatency: percentiles are within 1 % of the exact ones', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 3_600_000_000_000 }), { minLength: 1, maxLength: 2000 }),
      (samples) => {
        const latency = new ProcessingLatency(WINDOW_MS, 0);
        for (const sample of samples) latency.add(sample, 0);
        const sorted = samples.toSorted((a, b) => a - b);

        const { count, values } = summary([latency], QUANTILES, 0);

        assert.equal(count, samples.length);
        for (const [index, quantile] of QUANTILES.entries()) {
          // The rank may be rounded either way.
          const rank = quantile * (sorted.length - 1);
          const low = sorted[Math.floor(rank)] ?? 0;
          const high = sorted[Math.ceil(rank)] ?? 0;
          const value = values[index] ?? 0;
          assert.ok(value >= low * 0.99 - 1 && value <= high * 1.01 + 1, `${quantile}: ${value}`);
        }
      },
    ),
    { numRuns: 100 },
  );
});

test('ProcessingLatency: channels are summed up as if their samples were one', () => {
  const fast = new ProcessingLatency(WINDOW_MS, 0);
  const slow = new ProcessingLatency(WINDOW_MS, 0);
  for (let i = 0; i < 99; i++) fast.add(1000, 0);
  slow.add(1_000_000, 0);

  const { count, values } = summary([fast, slow], [1, 0.5], 0);

  assert.equal(count, 100);
  assert.ok(Math.abs((values[0] ?? 0) - 1_000_000) <= 10_000);
  assert.ok(Math.abs((values[1] ?? 0) - 1000) <= 10);
});

test('ProcessingLatency: samples leave with their half of the window', () => {
  const latency = new ProcessingLatency(WINDOW_MS, 0);
  latency.add(5, 0);
  latency.add(7, 600);

  assert.equal(summary([latency], [1], 600).count, 2);
  assert.equal(summary([latency], [1], 1200).count, 1);
  assert.equal(summary([latency], [1], 5000).count, 0);
});

test('ProcessingLatency: a clock that was set back counts as no time', () => {
  const latency = new ProcessingLatency(WINDOW_MS, 0);
  latency.add(-50, 0);

  assert.deepEqual(summary([latency], [1], 0), { count: 1, values: [0] });
});
