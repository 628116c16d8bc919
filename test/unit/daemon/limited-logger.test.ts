import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LimitedLogger } from '../../../src/daemon/limited-logger.ts';
import { ManualClock } from '../../support/manual-clock.ts';

test('LimitedLogger: writes 100 lines in 10 s, and then how many are missing', () => {
  const clock = new ManualClock();
  const lines: string[] = [];
  const logger = new LimitedLogger(
    {
      debug: (text) => void lines.push(`debug ${text}`),
      info: (text) => void lines.push(`info ${text}`),
      warn: (text) => void lines.push(`warn ${text}`),
      error: (text) => void lines.push(`error ${text}`),
    },
    clock,
  );

  for (let index = 0; index < 150; index++) logger.info(`line ${index}`);
  clock.advance(9999);
  logger.error('too early');
  logger.debug('always');
  clock.advance(1);
  logger.warn('in time');
  logger.error('again');

  assert.deepEqual(
    [lines.length, lines[99], ...lines.slice(100)],
    [103, 'info line 99', 'debug always', 'warn in time (and 51 lines before)', 'error again'],
  );
});
