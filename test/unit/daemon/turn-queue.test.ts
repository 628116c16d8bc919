import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TurnQueue } from '../../../src/daemon/turn-queue.ts';

test('TurnQueue: a turn resumes sixteen callers, in the order in which they began to wait', () => {
  const { queue, nextTurn } = queueInTurns();
  const resumed: number[] = [];
  for (let caller = 0; caller < 40; caller++) queue.wait(() => resumed.push(caller));

  const counts = [resumed.length];
  while (nextTurn()) counts.push(resumed.length);

  assert.deepEqual(counts, [0, 16, 32, 40]);
  assert.deepEqual(
    resumed,
    Array.from({ length: 40 }, (_, caller) => caller),
  );
});

test('TurnQueue: a caller that waits again is resumed in a later turn, behind the others', () => {
  const { queue, nextTurn } = queueInTurns();
  const resumed: string[] = [];
  queue.wait(() => {
    resumed.push('first');
    queue.wait(() => resumed.push('first again'));
  });
  queue.wait(() => resumed.push('second'));

  nextTurn();
  const inOneTurn = [...resumed];
  nextTurn();

  assert.deepEqual(inOneTurn, ['first', 'second']);
  assert.deepEqual(resumed, ['first', 'second', 'first again']);
});

test('TurnQueue: the turn begins before its callers are resumed', () => {
  const { queue, events, nextTurn } = queueInTurns();
  queue.wait(() => events.push('resumed'));

  nextTurn();

  assert.deepEqual(events, ['turn', 'resumed']);
});

test('TurnQueue: a turn that is used asks for its end once, and one that is not never', () => {
  const { queue, events, nextTurn } = queueInTurns();

  const wasAskedUnused = nextTurn();
  queue.use();
  queue.use();
  const wasAsked = nextTurn();
  const wasAskedAgain = nextTurn();

  assert.deepEqual([wasAskedUnused, wasAsked, wasAskedAgain], [false, true, false]);
  assert.deepEqual(events, ['turn']);
});

test('TurnQueue: as many callers are resumed in a turn as its owner says', () => {
  const { queue, nextTurn } = queueInTurns(3);
  let resumed = 0;
  for (let caller = 0; caller < 7; caller++) queue.wait(() => resumed++);

  const counts: number[] = [];
  while (nextTurn()) counts.push(resumed);

  assert.deepEqual(counts, [3, 6, 7]);
});

/** `nextTurn` runs what was asked for once, and returns whether anything was. */
function queueInTurns(resumedPerTurn?: number) {
  const events: string[] = [];
  const later: (() => void)[] = [];
  const queue = new TurnQueue(
    () => events.push('turn'),
    (callback) => later.push(callback),
    resumedPerTurn,
  );
  const nextTurn = (): boolean => {
    const callbacks = later.splice(0);
    assert.ok(callbacks.length <= 1, 'the end of a turn is asked for once');
    for (const callback of callbacks) callback();
    return callbacks.length > 0;
  };
  return { queue, events, nextTurn };
}
