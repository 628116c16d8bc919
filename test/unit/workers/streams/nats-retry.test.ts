import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errors } from '@nats-io/transport-node';
import { withRetry } from '../../../../src/workers/streams/nats/nats-retry.ts';

/** A change that fails with these errors, one for each attempt, and then succeeds. */
function failing(...failures: readonly Error[]): { change: () => Promise<string>; count: number } {
  const left = [...failures];
  const failingChange = {
    count: 0,
    change: async () => {
      failingChange.count++;
      const failure = left.shift();
      if (failure !== undefined) throw failure;
      return 'done';
    },
  };
  return failingChange;
}

test('withRetry: a change that is not answered is made once more, not twice', async () => {
  const once = failing(new errors.TimeoutError());
  const twice = failing(new errors.TimeoutError(), new errors.TimeoutError());

  assert.equal(await withRetry(once.change), 'done');
  await assert.rejects(withRetry(twice.change), errors.TimeoutError);
  assert.deepEqual([once.count, twice.count], [2, 2]);
});

test('withRetry: a change that is refused is not made again', async () => {
  const refused = failing(new Error('no'));

  await assert.rejects(withRetry(refused.change), /^Error: no$/);
  assert.equal(refused.count, 1);
});
