import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Deferred } from '../../../../src/workers/pump/deferred.ts';

/** Takes what is due: channel, position and attempts of each message. */
function takeDue(deferred: Deferred, nowMs: number): number[][] {
  const count = deferred.dueTimes.expire(nowMs);
  const entries = Array.from(deferred.dueTimes.expired.subarray(0, count));
  return entries.map((entry) => {
    const message = [
      deferred.channelNumber(entry),
      deferred.position(entry),
      deferred.attempts(entry),
    ];
    deferred.remove(entry);
    return message;
  });
}

test('Deferred: messages come when they are due, in that order', () => {
  const deferred = new Deferred(0);
  deferred.add(1, 11, 0, 300);
  deferred.add(2, 4_000_000_000, 65_535, 100);
  deferred.add(1, 13, 2, 300);

  const batches = [takeDue(deferred, 99), takeDue(deferred, 100), takeDue(deferred, 300)];

  assert.deepStrictEqual(batches, [
    [],
    [[2, 4_000_000_000, 65_535]],
    [
      [1, 11, 0],
      [1, 13, 2],
    ],
  ]);
  assert.equal(deferred.count, 0);
});

test('Deferred: a message that is removed before its time does not come', () => {
  const deferred = new Deferred(0);
  deferred.add(1, 11, 0, 100);
  deferred.add(2, 12, 0, 100);

  deferred.forEach((entry, channelNumber) => {
    if (channelNumber === 1) deferred.remove(entry);
  });

  assert.deepStrictEqual([deferred.count, takeDue(deferred, 200)], [1, [[2, 12, 0]]]);
});

test('Deferred: keeps very many messages apart while it grows and entries are used again', () => {
  const deferred = new Deferred(0);
  const seen: number[] = [];
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 1000; i++) deferred.add(1 + (i % 5), i, i, 10 + 10 * round);
    for (const [channel, position, attempts] of takeDue(deferred, 10 + 10 * round)) {
      assert.deepEqual([channel, attempts], [1 + (position % 5), position]);
      seen.push(position);
    }
  }

  const once = Array.from({ length: 1000 }, (_, i) => i);
  assert.deepStrictEqual(seen, [...once, ...once, ...once]);
});
