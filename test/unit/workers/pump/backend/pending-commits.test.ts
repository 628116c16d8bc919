import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type AppendPart,
  PendingCommits,
  Receipt,
} from '../../../../../src/workers/pump/backend/append-lane.ts';

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
