import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OpenLoop, runOpenLoop, unansweredMax } from '../../../../scripts/bench/open-loop.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const ENOUGH = 1e6;

test('OpenLoop: the first piece is due at the start, the others evenly behind it', () => {
  const loop = new OpenLoop(1000, 4, 500);

  assert.deepStrictEqual(
    [0, 1, 2, 3].map((index) => loop.dueMs(index)),
    [500, 501, 502, 503],
  );
  assert.deepStrictEqual(
    [499, 500, 500.9, 501, 503.5, 600].map((nowMs) => loop.take(nowMs, ENOUGH)),
    [0, 1, 0, 1, 2, 0],
  );
  assert.equal(loop.taken, 4);
});

test('OpenLoop: nothing is taken before it is due, at any rate', () => {
  for (const rate of [0.5, 3, 7, 333, 1000, 9999, 123_456.7]) {
    const loop = new OpenLoop(rate, 10_000, 0.1);
    for (let nowMs = 0; loop.taken < loop.total && nowMs < 5000; nowMs += 0.37) {
      loop.take(nowMs, ENOUGH);
      const last = loop.taken - 1;
      assert.ok(last < 0 || loop.dueMs(last) <= nowMs + 1e-6, `rate ${rate}, piece ${last}`);
      const isDone = loop.taken === loop.total;
      assert.ok(isDone || loop.dueMs(loop.taken) > nowMs - 1e-6, `rate ${rate} at ${nowMs}`);
    }
  }
});

test('runOpenLoop: what a stall has held up is sent at once, and was due all the same', async () => {
  const clock = new ManualClock(0);
  const loop = new OpenLoop(1000, 10, clock.monotonicMs());
  const sent: { first: number; count: number; nowMs: number }[] = [];
  const stallsMs = [0, 0, 5];

  await runOpenLoop(
    loop,
    clock,
    () => ENOUGH,
    (first, count, nowMs) => sent.push({ first, count, nowMs }),
    async (maxMs) => clock.advance(maxMs + (stallsMs.shift() ?? 0)),
  );

  assert.deepStrictEqual(sent, [
    { first: 0, count: 1, nowMs: 0 },
    { first: 1, count: 1, nowMs: 1 },
    { first: 2, count: 1, nowMs: 2 },
    { first: 3, count: 6, nowMs: 8 },
    { first: 9, count: 1, nowMs: 9 },
  ]);
  assert.equal(loop.dueMs(3), 3);
});

test('OpenLoop: what there is no room for stays due, and is counted once', () => {
  const loop = new OpenLoop(1000, 10, 0);

  const taken = [
    loop.take(3, 2),
    loop.take(3.5, 0),
    loop.take(5, -1),
    loop.take(6, 3),
    loop.take(20, ENOUGH),
  ];

  assert.deepStrictEqual(taken, [2, 0, 0, 3, 5]);
  // of the pieces due at 0 to 6 ms, those at 2 to 5 had to wait, and that at 6
  assert.equal(loop.heldBack, 5);
});

test('runOpenLoop: a server that stands still is sent no more than there is room for', async () => {
  const clock = new ManualClock(0);
  const loop = new OpenLoop(1000, 100, clock.monotonicMs());
  let room = 4;
  const sent: { first: number; count: number; nowMs: number }[] = [];
  let pauses = 0;

  await runOpenLoop(
    loop,
    clock,
    () => room,
    (first, count, nowMs) => {
      sent.push({ first, count, nowMs });
      room -= count;
    },
    async (maxMs) => {
      pauses++;
      clock.advance(maxMs);
      if (clock.monotonicMs() > 150) room = ENOUGH;
    },
  );

  assert.deepStrictEqual(
    sent.map(({ first, count }) => [first, count]),
    [
      [0, 1],
      [1, 1],
      [2, 1],
      [3, 1],
      [4, 96],
    ],
  );
  assert.equal(loop.heldBack, 96);
  assert.ok(pauses < 30, `it looked ${pauses} times`);
});

test('unansweredMax: as many commands as bytes allow, and never none', () => {
  assert.deepStrictEqual([unansweredMax(1 << 20), unansweredMax(1 << 30)], [64, 1]);
});
