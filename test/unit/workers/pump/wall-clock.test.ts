import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WallClock } from '../../../../src/workers/pump/wall-clock.ts';
import { freshSeed, seededRandom } from '../../../support/seeded-random.ts';

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

/** Two clocks that a test moves. */
class Clocks {
  nowMs = 0;
  setMs = 0;
  readonly clock = new WallClock(
    () => 1_000_000 + this.setMs + this.nowMs,
    () => this.nowMs,
  );
}

test('WallClock: what was written before the clock was set forward is not due early', () => {
  const clocks = new Clocks();
  const { clock } = clocks;
  const unixMs = clock.unixAt(1000);
  clocks.setMs = 318;
  clocks.nowMs = 999;
  const before = [clock.dueAt(unixMs), clock.unixMsDue() >= unixMs];
  clocks.nowMs = 1000;

  assert.deepStrictEqual(before, [1000, false]);
  assert.deepStrictEqual([clock.dueAt(unixMs), clock.unixMsDue() >= unixMs], [1000, true]);
});

test('WallClock: what was written before the clock was set back is not due early', () => {
  const clocks = new Clocks();
  const { clock } = clocks;
  const unixMs = clock.unixAt(1000);
  clocks.setMs = -318;

  assert.equal(clock.dueAt(unixMs), 1318);
});

test('WallClock: what cannot be written before the clock was set is due by the clock as it is', () => {
  const clocks = new Clocks();
  const { clock } = clocks;
  clock.unixAt(1000);
  clocks.setMs = 3_600_000;
  const later = clock.unixAt(2000);
  const ofEarlierProcess = 1_000_000 + 3_600_000 + 5000;

  assert.deepStrictEqual([clock.dueAt(later), clock.dueAt(ofEarlierProcess)], [2000, 5000]);
});

test('WallClock: a difference between the clocks is forgotten when all that was written with it is due', () => {
  const clocks = new Clocks();
  const { clock } = clocks;
  clock.unixAt(1000);
  clocks.setMs = 500;
  clocks.nowMs = 1000;

  assert.equal(clock.unixMsDue(), clock.unixMs());
  assert.equal(clock.dueAt(clock.unixMs() + 100), 1100);
});

test('WallClock: nothing is due early, however often the clock is set', () => {
  const seed = freshSeed();
  const random = seededRandom(seed);
  const clocks = new Clocks();
  const { clock } = clocks;
  let written: { dueMs: number; unixMs: number }[] = [];
  for (let step = 0; step < 20_000; step++) {
    clocks.nowMs += random(100);
    if (random(20) === 0) clocks.setMs += random(2000) - 1000;
    const dueMs = clocks.nowMs + random(5000);
    written.push({ dueMs, unixMs: clock.unixAt(dueMs) });
    const nowUnixMs = clock.unixMsDue();
    for (const { dueMs, unixMs } of written) {
      const isEarly = clocks.nowMs < dueMs;
      assert.ok(!(isEarly && unixMs <= nowUnixMs), `seed ${seed}: told to be due early`);
      assert.ok(!isEarly || clock.dueAt(unixMs) >= dueMs, `seed ${seed}: due early`);
    }
    written = written.filter(({ dueMs }) => dueMs > clocks.nowMs);
  }
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
