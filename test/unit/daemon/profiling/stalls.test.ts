import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Stalls } from '../../../../src/daemon/profiling/stalls.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

test('Stalls: half a second of standing still is a warning, and less is not', () => {
  const clock = new ManualClock();
  const log: string[] = [];
  const stalls = new Stalls({ warn: (text) => void log.push(text) }, clock);

  stalls.watch('being quick', () => clock.advance(499));
  const result = stalls.watch('taking a snapshot', () => {
    clock.advance(500);
    return 7;
  });
  assert.throws(() =>
    stalls.watch('failing', () => {
      clock.advance(1500);
      throw new Error('failed');
    }),
  );

  assert.equal(result, 7);
  assert.deepEqual(log, [
    'the main thread was blocked for 500 ms, taking a snapshot',
    'the main thread was blocked for 1500 ms, failing',
  ]);
});
