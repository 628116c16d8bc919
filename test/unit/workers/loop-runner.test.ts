import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { allocateDoorbell, Doorbell } from '../../../src/shared/ring/doorbell.ts';
import { LoopRunner } from '../../../src/workers/loop-runner.ts';
import type { Loop } from '../../../src/workers/run-loop.ts';
import { ManualClock } from '../../support/manual-clock.ts';

/**
 * What the turns of a loop find, in order; the loop ends after the last. Each turn takes a millisecond, and one of them
 * wakes the runner.
 */
function runner(clock: ManualClock, works: readonly number[], wakingTurn = 0) {
  const left = [...works];
  const counted: string[] = [];
  const loop: Loop = {
    nextDeadlineMs: Number.POSITIVE_INFINITY,
    get isDone() {
      return left.length === 0;
    },
    step: () => {
      clock.advance(1);
      if (works.length - left.length + 1 === wakingTurn) one.wake();
      return left.shift() ?? 0;
    },
  };
  const bell = new Doorbell(allocateDoorbell());
  const meter = {
    onTurn: (nowMs: number) => void counted.push(`turn at ${nowMs}`),
    show: (nowMs: number) => void counted.push(`shows at ${nowMs}`),
    onParked: (ms: number) => void counted.push(`parked ${ms}`),
  };
  const one: LoopRunner = new LoopRunner(loop, bell, clock, meter);
  return { runner: one, bell, counted };
}

test('LoopRunner: counts each turn with work, and not the time between two turns', async () => {
  const clock = new ManualClock(0);
  const { runner: one, counted } = runner(clock, [1, 1]);

  const ended = one.run();
  // The first turn is taken in the next turn of the event loop, the second in the one after it.
  await setImmediate();
  clock.advance(30);
  await ended;

  assert.deepEqual(counted, ['turn at 0', 'parked 30', 'turn at 31', 'parked 0']);
});

test('LoopRunner: work that came while it fell asleep is a turn as well', async () => {
  const { runner: one, counted } = runner(new ManualClock(0), [0, 5]);

  await one.run();

  assert.deepEqual(counted, ['turn at 1']);
});

test('LoopRunner: shows its numbers and waits until the bell is rung', async () => {
  const clock = new ManualClock(0);
  const { runner: one, bell, counted } = runner(clock, [0, 0, 7]);

  const ended = one.run();
  await setImmediate();
  await setImmediate();
  clock.advance(100);
  bell.ring();
  await ended;

  assert.deepEqual(counted, ['shows at 1', 'parked 101', 'turn at 102', 'parked 0']);
});

test('LoopRunner: a call on its thread is as good as the bell, and the bell is heard after it', async () => {
  const clock = new ManualClock(0);
  const { runner: one, bell, counted } = runner(clock, [0, 0, 0, 0, 7]);

  const ended = one.run();
  await setImmediate();
  await setImmediate();
  one.wake();
  await setImmediate();
  const turns = counted.splice(0);
  bell.ring();
  await ended;

  assert.deepEqual(turns, ['shows at 1', 'parked 1', 'shows at 3']);
  assert.deepEqual(counted, ['parked 1', 'turn at 4', 'parked 0']);
});

test('LoopRunner: a call in the last look before a wait is a turn', async () => {
  const clock = new ManualClock(0);
  const { runner: one, counted } = runner(clock, [0, 0, 7], 2);

  await one.run();

  assert.deepEqual(counted, ['shows at 1', 'parked 1', 'turn at 2', 'parked 0']);
});
