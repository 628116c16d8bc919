import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AppendLane,
  type AppendPart,
  PendingCommits,
  Receipt,
} from '../../../../../src/workers/pump/backend/append-lane.ts';

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

test('Receipt: settles once all that was expected is settled, and not before it is sealed', () => {
  const log: string[] = [];
  const receipt = new Receipt(true, ({ error }) => log.push(`settled ${error}`));
  receipt.expect(3);
  receipt.settle(3, null);
  receipt.expect(2);
  receipt.seal();
  receipt.settle(1, null);
  log.push('one is left');

  receipt.settle(1, null);

  assert.deepStrictEqual(log, ['one is left', 'settled null']);
});

test('Receipt: settles at once when nothing was expected', () => {
  const settled: Receipt[] = [];
  const receipt = new Receipt(false, (self) => settled.push(self));

  receipt.seal();

  assert.deepStrictEqual(settled, [receipt]);
});

test('Receipt: keeps an error although what comes later goes well', () => {
  const errors: (string | null)[] = [];
  const receipt = new Receipt(true, ({ error }) => errors.push(error));
  receipt.expect(2);
  receipt.seal();

  receipt.settle(1, 'disk full');
  receipt.settle(1, null);

  assert.deepStrictEqual(errors, ['disk full']);
});

test('Receipt: more than was expected cannot be settled', () => {
  const receipt = new Receipt(true, () => undefined);
  receipt.expect(1);

  assert.throws(() => receipt.settle(3, null), /a receipt settles what was expected/);
});

test('PendingCommits: the oldest writes are settled, with why they are not on stable storage', () => {
  const commits = new PendingCommits();
  const settled: string[] = [];
  const receipt = (name: string): Receipt => {
    const made = new Receipt(true, ({ error }) => settled.push(`${name}: ${error}`), true);
    made.expect(2);
    made.seal();
    return made;
  };
  const [a, b, c] = [receipt('a'), receipt('b'), receipt('c')];
  const part = (of: Receipt, count: number): AppendPart => ({ receipt: of, count, dueMs: 0 });

  commits.expect([part(a, 2), part(b, 1)]);
  commits.expect([part(b, 1)]);
  commits.expect([part(c, 2)]);
  commits.onCommitted(1, null);
  assert.deepEqual(settled, ['a: null']);
  commits.onCommitted(2, 'a reason');

  assert.deepEqual(settled, ['a: null', 'b: a reason', 'c: a reason']);
  assert.equal(commits.count, 0);
  assert.throws(() => commits.onCommitted(1, null), /what is committed was written/);
});
