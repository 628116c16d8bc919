import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  MemoryMonitor,
  namedMemory,
  RecentPauses,
} from '../../../../src/main/stats/memory-statistics.ts';

test('RecentPauses: has percentiles of 0 without any pause', () => {
  assert.equal(new RecentPauses().percentileUs(0.99), 0);
});

test('RecentPauses: a percentile is a pause than which that share is not longer', () => {
  const pauses = new RecentPauses();
  for (let us = 100; us >= 1; us -= 1) pauses.add(us);

  assert.deepEqual(
    [1, 0.99, 0.95, 0.001].map((share) => pauses.percentileUs(share)),
    [100, 99, 95, 1],
  );
});

test('RecentPauses: forgets the oldest beyond 256, but not that they were', () => {
  const pauses = new RecentPauses();
  pauses.add(1_000_000);
  for (let count = 0; count < 256; count += 1) pauses.add(7);

  assert.equal(pauses.percentileUs(1), 7);
  assert.equal(pauses.total, 257);
});

test('MemoryMonitor: reads whole numbers in the order of the statistics', (t) => {
  const monitor = new MemoryMonitor();
  monitor.start();
  t.after(() => monitor.stop());

  const memory = monitor.read();

  assert.deepEqual(
    namedMemory(memory).map(([name]) => name),
    [
      'heap_objects',
      'heap_idle_bytes',
      'heap_in_use_bytes',
      'heap_released_bytes',
      'gc_pause_usec_100',
      'gc_pause_usec_99',
      'gc_pause_usec_95',
      'next_gc_bytes',
      'gc_total_runs',
    ],
  );
  assert.ok(Object.values(memory).every((value) => Number.isSafeInteger(value) && value >= 0));
});
