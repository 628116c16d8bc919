import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { endThreads, THREAD_END_MS } from '../../../../src/main/pumps/thread-end.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

test('endThreads: waits for threads that end, and leaves no timer', async () => {
  const clock = new ManualClock();
  const threads = Promise.withResolvers<void>();
  let hasEnded = false;
  const end = endThreads({ destroy: () => threads.promise }, clock).then(() => {
    hasEnded = true;
  });
  clock.advance(THREAD_END_MS - 1);
  await setImmediate();
  assert.equal(hasEnded, false);

  threads.resolve();
  await end;

  assert.equal(clock.timerCount, 0);
});

test('endThreads: does not wait for a thread that hangs', async () => {
  const clock = new ManualClock();
  const end = endThreads({ destroy: () => new Promise(() => undefined) }, clock);

  clock.advance(THREAD_END_MS);

  await end;
});
