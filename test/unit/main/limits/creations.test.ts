import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Creations } from '../../../../src/main/limits/creations.ts';

test('Creations: a turn has eight, and the others come in order in later turns', async () => {
  let requests = 0;
  const creations = new Creations(() => requests++);
  const done: number[] = [];

  const all = Array.from({ length: 20 }, async (_, index) => {
    await creations.take();
    done.push(index);
  });
  const perTurn: number[] = [];
  while (done.length < all.length) {
    await new Promise(setImmediate);
    perTurn.push(done.length);
    creations.nextTurn();
  }
  await Promise.all(all);

  assert.deepEqual(perTurn, [8, 16, 20]);
  assert.deepEqual(
    done,
    all.map((_, index) => index),
  );
  assert.ok(requests > 0);
});

test('Creations: a turn that has had some is ended, and one that waits is called once', () => {
  let requests = 0;
  const creations = new Creations(() => requests++);

  const taken = Array.from({ length: 9 }, () => creations.tryTake());
  const afterTaking = requests;
  let calls = 0;
  creations.wait(() => calls++);
  creations.nextTurn();
  creations.nextTurn();

  assert.deepEqual(taken, [true, true, true, true, true, true, true, true, false]);
  assert.deepEqual([afterTaking, requests, calls, creations.tryTake()], [1, 2, 1, true]);
});
