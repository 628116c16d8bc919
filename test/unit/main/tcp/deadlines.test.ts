import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Deadlines } from '../../../../src/main/tcp/deadlines.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { seededRandom } from '../../../support/seeded-random.ts';

const SEED = 11;
const START_MS = 1000;

test('Deadlines: a deadline calls back once, when it has come', () => {
  const clock = new ManualClock(START_MS);
  const deadlines = new Deadlines(clock);
  const calls: number[] = [];
  const entry = deadlines.add(() => calls.push(clock.monotonicMs()));
  deadlines.schedule(entry, START_MS + 500);
  clock.advance(499);
  const before = [...calls];

  clock.advance(10_000);

  assert.deepStrictEqual([before, calls], [[], [START_MS + 500]]);
});

test('Deadlines: a new deadline takes the place of the old one', () => {
  const clock = new ManualClock(START_MS);
  const deadlines = new Deadlines(clock);
  const calls: number[] = [];
  const entry = deadlines.add(() => calls.push(clock.monotonicMs()));
  deadlines.schedule(entry, START_MS + 500);
  deadlines.schedule(entry, START_MS + 100);
  clock.advance(200);
  deadlines.schedule(entry, START_MS + 300);
  deadlines.schedule(entry, START_MS + 900);

  clock.advance(10_000);

  assert.deepStrictEqual(calls, [START_MS + 100, START_MS + 900]);
});

test('Deadlines: a cancelled or removed entry does not call, and its place is used again', () => {
  const clock = new ManualClock(START_MS);
  const deadlines = new Deadlines(clock);
  const calls: string[] = [];
  const cancelled = deadlines.add(() => calls.push('cancelled'));
  const removed = deadlines.add(() => calls.push('removed'));
  deadlines.schedule(cancelled, START_MS + 100);
  deadlines.schedule(removed, START_MS + 100);
  deadlines.cancel(cancelled);
  deadlines.cancel(cancelled);
  deadlines.remove(removed);
  const next = deadlines.add(() => calls.push('next'));
  deadlines.schedule(next, START_MS + 200);

  clock.advance(1000);

  assert.deepStrictEqual([next, calls], [removed, ['next']]);
});

test('Deadlines: one that is scheduled by another is kept', () => {
  const clock = new ManualClock(START_MS);
  const deadlines = new Deadlines(clock);
  const calls: number[] = [];
  const entry = deadlines.add(() => {
    calls.push(clock.monotonicMs() - START_MS);
    if (calls.length < 4) deadlines.schedule(entry, clock.monotonicMs() + 250);
  });
  deadlines.schedule(entry, START_MS + 250);

  clock.advance(5000);

  assert.deepStrictEqual(calls, [250, 500, 750, 1000]);
});

test('Deadlines: thousands of them have one timer', () => {
  const clock = new ManualClock(START_MS);
  const deadlines = new Deadlines(clock);
  const random = seededRandom(SEED);
  const expected: number[] = [];
  const calls: number[] = [];
  let timersMax = 0;
  for (let count = 0; count < 2000; count++) {
    const deadlineMs = START_MS + random(100_000);
    const entry = deadlines.add(() => calls.push(clock.monotonicMs()));
    deadlines.schedule(entry, deadlineMs);
    timersMax = Math.max(timersMax, clock.timerCount);
    if (count % 3 === 0) deadlines.cancel(entry);
    else expected.push(Math.max(deadlineMs, START_MS));
  }

  clock.advance(200_000);

  expected.sort((a, b) => a - b);
  // A timer may be late by one tick of the wheel, and is never early.
  const late = calls.map((calledMs, index) => calledMs - expected[index]);
  assert.deepStrictEqual([timersMax, calls.length], [1, expected.length]);
  assert(Math.min(...late) >= 0 && Math.max(...late) <= 1, `seed ${SEED}`);
});
