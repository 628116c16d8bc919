import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JetStreamApiError } from '@nats-io/jetstream';
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

test('withRetry: a consumer that is created while its stream is removed is created once more', async () => {
  const description = 'error creating store for consumer';
  const once = failing(new JetStreamApiError({ code: 500, err_code: 10104, description }));

  assert.equal(await withRetry(once.change), 'done');
  assert.equal(once.count, 2);
});

test('withRetry: a change that is refused is not made again', async () => {
  const refused = failing(new Error('no'));
  const missing = failing(
    new JetStreamApiError({ code: 404, err_code: 10059, description: 'stream not found' }),
  );

  await assert.rejects(withRetry(refused.change), /^Error: no$/);
  await assert.rejects(withRetry(missing.change), /stream not found/);
  assert.deepEqual([refused.count, missing.count], [1, 1]);
});
