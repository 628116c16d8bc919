import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CpuProfiler } from '../../../../src/daemon/profiling/cpu-profiler.ts';
import { Stalls } from '../../../../src/daemon/profiling/stalls.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

test('CpuProfiler: records one profile at a time', async () => {
  const profiler = new CpuProfiler(new Stalls({ warn: () => undefined }, new ManualClock()));
  const { promise, resolve } = Promise.withResolvers<void>();

  const first = profiler.record(() => promise);
  const second = await profiler.record(() => promise);
  resolve();
  const profile = JSON.parse((await first) ?? 'null');
  const third = await profiler.record(() => Promise.resolve());

  assert.equal(second, undefined);
  assert.ok(Array.isArray(profile.nodes));
  assert.notEqual(third, undefined);
});
