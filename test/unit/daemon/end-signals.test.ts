import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { EndSignals } from '../../../src/daemon/end-signals.ts';
import { ManualClock } from '../../support/manual-clock.ts';

/** Whether the second signal has been told by now. */
async function isHurried(signals: EndSignals): Promise<boolean> {
  return (await Promise.race([signals.second, Promise.resolve(undefined)])) !== undefined;
}

test('EndSignals: the first signal ends cleanly, a later one at once', async () => {
  const clock = new ManualClock();
  const source = new EventEmitter();
  const signals = new EndSignals(clock, ['SIGINT', 'SIGTERM'], source);

  source.emit('SIGINT', 'SIGINT');
  clock.advance(501);
  source.emit('SIGTERM', 'SIGTERM');

  assert.deepEqual([await signals.first, await signals.second], ['SIGINT', 'SIGTERM']);
});

test('EndSignals: a signal within half a second is the same key press', async () => {
  const clock = new ManualClock();
  const source = new EventEmitter();
  const signals = new EndSignals(clock, ['SIGINT', 'SIGTERM'], source);

  source.emit('SIGINT', 'SIGINT');
  clock.advance(500);
  source.emit('SIGINT', 'SIGINT');

  assert.equal(await isHurried(signals), false);
});
