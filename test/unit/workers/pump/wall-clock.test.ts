import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WallClock } from '../../../../src/workers/pump/wall-clock.ts';

test('WallClock: a due time is whole, not before its time, and comes back as the same moment', () => {
  let monotonicMs = 50;
  const clock = new WallClock(
    () => 1_000_000.25 + monotonicMs,
    () => monotonicMs,
  );
  const unixMs = clock.unixAt(100.5);
  monotonicMs = 80;

  const back = clock.monotonicAt(unixMs);

  assert.deepStrictEqual([unixMs, back], [1_000_101, 100.75]);
});

test('WallClock: no due time is 0, which stands for none', () => {
  const clock = new WallClock(
    () => 0,
    () => 1000,
  );

  assert.equal(clock.unixAt(5), 1);
});

test('WallClock: a wall clock that was set moves what the files say, not what is in memory', () => {
  let unixMs = 5000;
  const clock = new WallClock(
    () => unixMs,
    () => 0,
  );
  const before = clock.monotonicAt(6000);
  unixMs = 5800;

  assert.deepStrictEqual([before, clock.monotonicAt(6000), clock.unixMs()], [1000, 200, 5800]);
});
