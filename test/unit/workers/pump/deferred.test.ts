import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Deferred, type DeferredList, NONE } from '../../../../src/workers/pump/deferred.ts';

/** The lists of channels 1 to 5. */
function makeLists(): DeferredList[] {
  return Array.from({ length: 5 }, (_, index) => ({ channelNumber: index + 1, first: NONE }));
}

/** Takes what is due: channel, position and attempts of each message. */
function takeDue(deferred: Deferred, lists: readonly DeferredList[], nowMs: number): number[][] {
  const count = deferred.dueTimes.expire(nowMs);
  const entries = Array.from(deferred.dueTimes.expired.subarray(0, count));
  return entries.map((entry) => {
    const message = [
      deferred.channelNumber(entry),
      deferred.position(entry),
      deferred.attempts(entry),
    ];
    deferred.remove(lists[deferred.channelNumber(entry) - 1], entry);
    return message;
  });
}

test('Deferred: messages come when they are due, in that order', () => {
  const deferred = new Deferred(0);
  const lists = makeLists();
  deferred.add(lists[0], 11, 0, 300);
  deferred.add(lists[1], 4_000_000_000, 65_535, 100);
  deferred.add(lists[0], 13, 2, 300);

  const batches = [99, 100, 300].map((nowMs) => takeDue(deferred, lists, nowMs));

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
  const lists = makeLists();
  deferred.add(lists[0], 11, 0, 100);
  deferred.add(lists[1], 12, 0, 100);

  deferred.remove(lists[0], deferred.newest(lists[0]));

  assert.deepStrictEqual([deferred.count, takeDue(deferred, lists, 200)], [1, [[2, 12, 0]]]);
});

test('Deferred: keeps very many messages apart while it grows and entries are used again', () => {
  const deferred = new Deferred(0);
  const lists = makeLists();
  const seen: number[] = [];
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 1000; i++) deferred.add(lists[i % 5], i, i, 10 + 10 * round);
    for (const [channel, position, attempts] of takeDue(deferred, lists, 10 + 10 * round)) {
      assert.deepEqual([channel, attempts], [1 + (position % 5), position]);
      seen.push(position);
    }
  }

  const once = Array.from({ length: 1000 }, (_, i) => i);
  assert.deepStrictEqual(seen, [...once, ...once, ...once]);
});

test('Deferred: the newest message in memory of a channel is found behind any that are only in the files', () => {
  const deferred = new Deferred(0);
  const lists = makeLists();
  const [list, other] = lists;
  for (const position of [11, 12, 13]) deferred.add(list, position, 0, 100);
  deferred.add(other, 21, 0, 100);
  deferred.addEvicted(list, 7, 50);
  const positions: number[] = [];
  for (let entry = deferred.newest(list); entry !== NONE; entry = deferred.newest(list)) {
    const position = deferred.position(entry);
    positions.push(position);
    if (position === 12) deferred.remove(list, entry);
    else deferred.evict(list, entry, position + 100);
  }

  assert.deepStrictEqual([positions, deferred.evictedCount], [[13, 12, 11], 3]);
  assert.equal(deferred.position(deferred.newest(other)), 21);
  assert.deepStrictEqual(
    takeDue(deferred, lists, 100).map(([, number]) => number),
    [7, 11 + 100, 13 + 100, 21],
  );
});
