import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CreationTurns } from '../../../../src/main/limits/creation-turns.ts';

test('CreationTurns: a turn has eight, and the others come in order in later turns', async () => {
  const { creations, nextTurn } = creationsInTurns();
  const done: number[] = [];

  const all = Array.from({ length: 20 }, async (_, index) => {
    await creations.take();
    done.push(index);
  });
  const perTurn: number[] = [];
  do {
    await new Promise(setImmediate);
    perTurn.push(done.length);
  } while (nextTurn());
  await Promise.all(all);

  assert.deepEqual(perTurn, [8, 16, 20, 20]);
  assert.deepEqual(
    done,
    all.map((_, index) => index),
  );
});

test('CreationTurns: a turn that has had some is ended once, and one that waits is called once', () => {
  const { creations, nextTurn } = creationsInTurns();

  const wasAskedUnused = nextTurn();
  const taken = Array.from({ length: 9 }, () => creations.tryTake());
  let calls = 0;
  creations.wait(() => calls++);
  const turns = [nextTurn(), nextTurn()];

  assert.deepEqual(taken, [true, true, true, true, true, true, true, true, false]);
  assert.deepEqual([wasAskedUnused, turns, calls], [false, [true, false], 1]);
  assert.equal(creations.tryTake(), true);
});

/** `nextTurn` ends a turn, and returns whether that was asked for. */
function creationsInTurns() {
  const later: (() => void)[] = [];
  const creations = new CreationTurns((callback) => later.push(callback));
  const nextTurn = (): boolean => {
    const callbacks = later.splice(0);
    assert.ok(callbacks.length <= 1, 'the end of a turn is asked for once');
    for (const callback of callbacks) callback();
    return callbacks.length > 0;
  };
  return { creations, nextTurn };
}
