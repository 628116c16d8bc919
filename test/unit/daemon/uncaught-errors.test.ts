import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { Guard } from '../../../src/daemon/guard.ts';
import { UncaughtErrors } from '../../../src/daemon/uncaught-errors.ts';
import { AssertionError } from '../../../src/shared/assert.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { SystemError } from '../../support/system-error.ts';

function setUp(): { source: EventEmitter; log: string[]; guard: Guard; bug: Promise<Error> } {
  const log: string[] = [];
  const logger = {
    error: (text: string) => void log.push(`error ${text}`),
    fatal: (text: string) => void log.push(`fatal ${text}`),
  };
  const guard = new Guard(new ManualClock(), logger);
  const source = new EventEmitter();
  const { bug } = new UncaughtErrors(guard, logger, source);
  return { source, log, guard, bug };
}

for (const error of [new AssertionError('what must hold'), new TypeError('no function')]) {
  test(`UncaughtErrors: a ${error.name} is a bug, logged before anything else happens`, async () => {
    const { source, log, bug } = setUp();

    source.emit('uncaughtException', error);

    assert.strictEqual(log.length, 1);
    assert.ok(log[0].startsWith(`fatal this is a bug in ringmq, which ends it - ${error.name}: `));
    assert.strictEqual(await bug, error);
  });
}

test('UncaughtErrors: what is thrown need not be an error', async () => {
  const { source, bug } = setUp();

  source.emit('uncaughtException', 'text');

  assert.strictEqual((await bug).message, 'text');
});

test('UncaughtErrors: an error of the network ends nothing', () => {
  const { source, log, guard } = setUp();
  const error = Object.assign(new SystemError('ECONNRESET', 'read', 'a socket'), {
    syscall: 'read',
  });

  source.emit('uncaughtException', error);

  assert.strictEqual(guard.failedCount, 1);
  assert.match(log[0], /^error an uncaught network error - /);
});
