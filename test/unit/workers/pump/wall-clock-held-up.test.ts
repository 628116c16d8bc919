import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WallClock } from '../../../../src/workers/pump/wall-clock.ts';

const UNIX_MS = 1_700_000_000_000;
const MONOTONIC_MS = 500;
/** A thread may be held up between reading one clock and the other. */
const HELD_UP_MS = 20;

/** Both clocks go on by `HELD_UP_MS` whenever one of them is read. */
function heldUpClock(): WallClock {
  let passedMs = -HELD_UP_MS;
  const pass = (): number => {
    passedMs += HELD_UP_MS;
    return passedMs;
  };
  return new WallClock(
    () => UNIX_MS + pass(),
    () => MONOTONIC_MS + pass(),
  );
}

test('WallClock: a time is not told too early when the thread is held up between the clocks', () => {
  const unixMs = heldUpClock().unixAt(MONOTONIC_MS + 1000);
  const monotonicMs = heldUpClock().monotonicAt(UNIX_MS + 1000);

  assert.ok(unixMs >= UNIX_MS + 1000, `${UNIX_MS + 1000 - unixMs} ms too early`);
  assert.ok(
    monotonicMs >= MONOTONIC_MS + 1000,
    `${MONOTONIC_MS + 1000 - monotonicMs} ms too early`,
  );
});
