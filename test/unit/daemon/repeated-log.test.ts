import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RepeatedLog } from '../../../src/daemon/repeated-log.ts';
import { ManualClock } from '../../support/manual-clock.ts';

test('RepeatedLog: writes at most once a second, and says how often it did not', () => {
  const clock = new ManualClock();
  const lines: string[] = [];
  const log = new RepeatedLog(clock, (text) => lines.push(text));

  for (const stepMs of [0, 1, 998, 1, 1000, 5000]) {
    clock.advance(stepMs);
    log.note(`at ${clock.monotonicMs()}`);
  }

  assert.deepStrictEqual(lines, ['at 1000', 'at 2000 (and 2 before)', 'at 3000', 'at 8000']);
});
