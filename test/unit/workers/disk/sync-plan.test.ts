import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SyncPlan, UnsyncedChanges } from '../../../../src/workers/disk/sync-plan.ts';

const TIMEOUT_MS = 2000;
const LATER = { mustSync: false, wantsSync: true };
const NOW = { mustSync: true, wantsSync: true };
const NONE = { mustSync: false, wantsSync: false };

/** The queues that are due, which are then synced. */
function takeDue(plan: SyncPlan<string>, nowMs: number, max = 100): string[] {
  const due: string[] = [];
  plan.forEachDue(nowMs, max, (queue) => {
    due.push(queue);
    plan.forget(queue);
  });
  return due;
}

test('SyncPlan: a changed queue is due after the timeout since its first change', () => {
  const plan = new SyncPlan<string>(TIMEOUT_MS);
  plan.add('a', LATER, 100);
  plan.add('b', LATER, 300);
  plan.add('a', LATER, 1900);

  assert.equal(plan.nextMs(1900), 2100);
  assert.deepStrictEqual(
    [takeDue(plan, 2099), takeDue(plan, 2100), takeDue(plan, 2300)],
    [[], ['a'], ['b']],
  );
  assert.equal(plan.nextMs(2300), Number.POSITIVE_INFINITY);
});

test('SyncPlan: a queue that must sync is due at once, before those that wait', () => {
  const plan = new SyncPlan<string>(TIMEOUT_MS);
  plan.add('a', LATER, 0);
  plan.add('b', NOW, TIMEOUT_MS);

  assert.deepStrictEqual(
    [plan.nextMs(TIMEOUT_MS), takeDue(plan, TIMEOUT_MS)],
    [TIMEOUT_MS, ['b', 'a']],
  );
});

test('SyncPlan: a queue with nothing left to sync, or none, is taken off', () => {
  const plan = new SyncPlan<string>(TIMEOUT_MS);
  for (const queue of ['a', 'b']) plan.add(queue, NOW, 0);
  plan.add('a', NONE, 1);
  plan.add('b', undefined, 1);

  assert.equal(plan.nextMs(1), Number.POSITIVE_INFINITY);
});

test('SyncPlan: at most so many queues are called at a time; the others stay due', () => {
  const plan = new SyncPlan<string>(TIMEOUT_MS);
  for (const queue of ['a', 'b', 'c']) plan.addNext(queue);
  plan.add('d', LATER, 0);

  assert.deepStrictEqual(
    [takeDue(plan, TIMEOUT_MS, 2), takeDue(plan, TIMEOUT_MS, 2)],
    [
      ['a', 'b'],
      ['c', 'd'],
    ],
  );
});

/** All answers. */
function facts(changes: UnsyncedChanges): Record<string, boolean> {
  return { isDue: changes.isDue, isWanted: changes.isWanted, isThere: changes.isThere };
}

test('UnsyncedChanges: a sync is wanted after one operation and due after so many', () => {
  const changes = new UnsyncedChanges(3);
  const before = facts(changes);
  changes.count(2);
  const some = facts(changes);
  changes.onAppend(1, 'next sync');

  assert.deepStrictEqual(before, { isDue: false, isWanted: false, isThere: false });
  assert.deepStrictEqual(some, { isDue: false, isWanted: true, isThere: true });
  assert.deepStrictEqual(facts(changes), { isDue: true, isWanted: true, isThere: true });
});

test('UnsyncedChanges: records in the journal are to be synced, but not soon', () => {
  const changes = new UnsyncedChanges(3);
  changes.onAppend(100, 'journal');

  assert.deepStrictEqual(facts(changes), { isDue: false, isWanted: false, isThere: true });
});

test('UnsyncedChanges: a successful sync leaves nothing; a failed one is wanted again', () => {
  const changes = new UnsyncedChanges(1);
  changes.count(1);
  changes.onSynced(false);
  const synced = facts(changes);
  changes.onFailed(false);
  const failed = facts(changes);
  changes.onFailed(true);

  assert.deepStrictEqual(synced, { isDue: false, isWanted: false, isThere: false });
  assert.deepStrictEqual(failed, { isDue: false, isWanted: true, isThere: true });
  assert.equal(changes.isDue, true);
});
