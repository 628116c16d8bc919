import assert from 'node:assert/strict';
import { constants } from 'node:perf_hooks';
import { test } from 'node:test';
import { Collections } from '../../../../src/main/stats/collections.ts';
import { Acknowledgements, LoopDelay } from '../../../../src/main/stats/node-meters.ts';
import { Traffic } from '../../../../src/main/stats/traffic.ts';
import { BOUNDS_US, type Durations } from '../../../../src/shared/thread-meter.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

/** The buckets that something is in, by their bounds in ms. */
function filled({ counts }: Durations): [boundMs: number | undefined, count: number][] {
  return counts.flatMap((count, bucket) => {
    const us = BOUNDS_US.at(bucket);
    return count === 0 ? [] : [[us === undefined ? us : us / 1000, count]];
  });
}

test('Acknowledgements: publishes of a turn count together, from the first of them on', () => {
  const clock = new ManualClock();
  const acknowledgements = new Acknowledgements(clock);
  acknowledgements.endTurn();
  acknowledgements.onAnswered();
  clock.advance(3);
  acknowledgements.onAnswered();
  clock.advance(1);
  acknowledgements.endTurn();
  acknowledgements.endTurn();

  const durations = acknowledgements.read();

  assert.deepStrictEqual(filled(durations), [[5, 2]]);
  assert.equal(durations.sumMs, 8);
});

test('Acknowledgements: a publish that waits counts until its answer', () => {
  const clock = new ManualClock();
  const acknowledgements = new Acknowledgements(clock);
  const done = acknowledgements.begin();
  acknowledgements.endTurn();
  clock.advance(40);
  done();

  assert.deepStrictEqual(filled(acknowledgements.read()), [[50, 1]]);
});

test('LoopDelay: counts how late its timer is', () => {
  const clock = new ManualClock();
  const delay = new LoopDelay(clock);
  delay.start();
  clock.advance(250);
  delay.stop();
  clock.advance(1000);

  const durations = delay.read();

  assert.deepStrictEqual(filled(durations), [[0.05, 2]]);
  assert.equal(clock.timerCount, 0);
});

test('LoopDelay: a loop that stands still makes it late', () => {
  // A clock whose time goes on while the callback is held up.
  const clock = new ManualClock();
  let lateMs = 0;
  const delay = new LoopDelay({
    monotonicMs: () => clock.monotonicMs() + lateMs,
    unixNs: () => clock.unixNs(),
    after: (ms, callback) => clock.after(ms, callback),
  });
  delay.start();
  lateMs = 180;
  clock.advance(100);

  assert.deepStrictEqual(filled(delay.read()), [[200, 1]]);
});

test('Collections: adds up counts and times by kind', () => {
  const collections = new Collections();
  const minor = { duration: 2, detail: { kind: constants.NODE_PERFORMANCE_GC_MINOR } };
  collections.add(minor);
  collections.add(minor);
  collections.add({ duration: 30, detail: { kind: constants.NODE_PERFORMANCE_GC_MAJOR } });
  collections.add({ duration: 7 });

  assert.deepStrictEqual(collections.read(), [
    { kind: 'minor', count: 2, seconds: 0.004 },
    { kind: 'major', count: 1, seconds: 0.03 },
    { kind: 'incremental', count: 0, seconds: 0 },
    { kind: 'weakcb', count: 0, seconds: 0 },
  ]);
});

test('Traffic: answers count by the class of their status', () => {
  const traffic = new Traffic();
  for (const status of [200, 200, 301, 404, 503]) traffic.countAnswer(status);

  assert.deepStrictEqual([...traffic.httpAnswers], [0, 0, 2, 1, 1, 1]);
});
