import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { SystemClock } from '../../../src/shared/clock.ts';

test('SystemClock: unixNs is the wall clock', () => {
  const clock = new SystemClock();
  const beforeMs = BigInt(Date.now());

  const ms = clock.unixNs() / 1_000_000n;

  assert.ok(beforeMs <= ms && ms <= BigInt(Date.now()));
});

test('SystemClock: unixNs never goes back within a millisecond of the wall clock', (t) => {
  let wallMs = 5000;
  let nowMs = 100;
  t.mock.method(Date, 'now', () => wallMs);
  t.mock.method(performance, 'now', () => nowMs);
  const clock = new SystemClock();
  const times = [clock.unixNs()];
  for (nowMs of [100.25, 100.25, 100.75, 103]) times.push(clock.unixNs());
  wallMs = 5001;

  times.push(clock.unixNs());

  assert.deepStrictEqual(times, [
    5_000_000_000n,
    5_000_250_000n,
    5_000_250_000n,
    5_000_750_000n,
    5_000_999_999n,
    5_001_000_000n,
  ]);
});

test('SystemClock: unixNs follows a wall clock that is set back', (t) => {
  let wallMs = 5000;
  t.mock.method(Date, 'now', () => wallMs);
  t.mock.method(performance, 'now', () => 100);
  const clock = new SystemClock();
  const before = clock.unixNs();
  wallMs = 2000;

  const after = clock.unixNs();

  assert.deepStrictEqual([before, after], [5_000_000_000n, 2_000_000_000n]);
});

test('SystemClock: after calls back once, unless it was cancelled', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const clock = new SystemClock();
  const callback = mock.fn();
  const cancelled = mock.fn();
  clock.after(10, callback);
  clock.after(10, cancelled).cancel();

  t.mock.timers.tick(9);
  const early = callback.mock.callCount();
  t.mock.timers.tick(100);

  assert.deepStrictEqual([early, callback.mock.callCount(), cancelled.mock.callCount()], [0, 1, 0]);
});

test('SystemClock: after takes delays that are too long for one of Node timers', (t) => {
  let nowMs = 0;
  t.mock.timers.enable({ apis: ['setTimeout'] });
  t.mock.method(performance, 'now', () => nowMs);
  const clock = new SystemClock();
  const callback = mock.fn();
  clock.after(2 ** 31 + 100, callback);

  nowMs = 2 ** 31 - 1;
  t.mock.timers.tick(2 ** 31 - 1);
  t.mock.timers.tick(100);
  const early = callback.mock.callCount();
  t.mock.timers.tick(1);

  assert.deepStrictEqual([early, callback.mock.callCount()], [0, 1]);
});
