import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../support/manual-clock.ts';

test('ManualClock: advance makes each call at its time, in order', () => {
  const clock = new ManualClock(0, 0n);
  const calls: [string, number][] = [];
  const note = (name: string): void => {
    calls.push([name, clock.monotonicMs()]);
  };
  clock.after(20, () => note('late'));
  clock.after(10, () => {
    note('early');
    clock.after(5, () => note('nested'));
  });
  clock.after(12, () => note('cancelled')).cancel();
  clock.after(200, () => note('never'));

  clock.advance(100);

  assert.deepStrictEqual(calls, [
    ['early', 10],
    ['nested', 15],
    ['late', 20],
  ]);
  assert.deepStrictEqual([clock.unixNs(), clock.timerCount], [100_000_000n, 1]);
});
