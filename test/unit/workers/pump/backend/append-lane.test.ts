import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppendLane, Receipt } from '../../../../../src/workers/pump/backend/append-lane.ts';

function makeReceipt(): Receipt {
  return new Receipt(true, () => undefined);
}

test('AppendLane: parts follow the messages, however they are taken', () => {
  const lane = new AppendLane(true);
  const [first, second] = [makeReceipt(), makeReceipt()];
  lane.put(0, 3, 0, 0, first);
  lane.put(3, 2, 0, 0, second);
  lane.put(5, 1, 0, 0, null);
  lane.put(6, 1, 0, 0, second);

  const taken = [lane.takeParts(2), lane.takeParts(2), lane.takeParts(3)];

  assert.deepStrictEqual(taken, [
    [{ receipt: first, count: 2, dueMs: 0 }],
    [
      { receipt: first, count: 1, dueMs: 0 },
      { receipt: second, count: 1, dueMs: 0 },
    ],
    [
      { receipt: second, count: 1, dueMs: 0 },
      { receipt: null, count: 1, dueMs: 0 },
      { receipt: second, count: 1, dueMs: 0 },
    ],
  ]);
});

test('AppendLane: messages for the same receipt are one part, although they are several runs', () => {
  const lane = new AppendLane(false);
  const receipt = makeReceipt();
  lane.put(0, 2, 0, 0, receipt);
  lane.put(9, 3, 4, 0, receipt);

  const run = [lane.runs.position, lane.runs.runCount, lane.runs.count];

  assert.deepStrictEqual([run, lane.takeParts(5)], [[0, 2, 5], [{ receipt, count: 5, dueMs: 0 }]]);
});

test('AppendLane: messages that are due at different times are different parts, and known to be there', () => {
  const lane = new AppendLane(false);
  lane.put(0, 2, 0, 500, null);
  lane.put(2, 1, 0, 500, null);
  lane.put(3, 1, 0, 0, null);
  lane.put(4, 1, 0, 600, null);
  const hasDueTimes: boolean[] = [];

  const taken = [2, 1, 1, 1].map((count) => {
    hasDueTimes.push(lane.hasDueTimes);
    return lane.takeParts(count).map((part) => `${part.count} at ${part.dueMs}`);
  });

  assert.deepStrictEqual(taken, [['2 at 500'], ['1 at 500'], ['1 at 0'], ['1 at 600']]);
  assert.deepStrictEqual([...hasDueTimes, lane.hasDueTimes], [true, true, true, true, false]);
});

test('AppendLane: nothing is taken of nothing', () => {
  const lane = new AppendLane(false);

  assert.deepStrictEqual(lane.takeParts(0), []);
  assert.throws(() => lane.takeParts(1), /every message belongs to a part/);
});
