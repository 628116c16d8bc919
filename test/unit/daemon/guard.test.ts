import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Guard } from '../../../src/daemon/guard.ts';
import { AssertionError } from '../../../src/shared/assert.ts';
import { ManualClock } from '../../support/manual-clock.ts';

class Site {
  readonly clock = new ManualClock();
  readonly log: string[] = [];
  readonly guard = new Guard(this.clock, { error: (text) => void this.log.push(text) });
  destroyedCount = 0;
  readonly sender = {
    destroy: () => {
      this.destroyedCount++;
    },
    toString: () => 'client 5',
  };
}

test('Guard: what throws nothing is called with what is given', () => {
  const { guard, sender, log } = new Site();
  const given: unknown[] = [];

  guard.around(sender, (...values: number[]) => given.push(...values))(1, 2);

  assert.deepStrictEqual([given, guard.failedCount, log], [[1, 2], 0, []]);
});

test('Guard: a throw ends its sender, is logged in one line, and counted', () => {
  const site = new Site();

  site.guard.around(site.sender, () => {
    throw new RangeError('too deep');
  })();

  assert.deepStrictEqual([site.destroyedCount, site.guard.failedCount], [1, 1]);
  assert.match(
    site.log.join('\n'),
    /^client 5: its input cannot be handled - RangeError: too deep at .*guard\.test\.ts[^\n]*$/,
  );
});

test('Guard: what is no error is logged as it is', () => {
  const site = new Site();

  site.guard.end(site.sender, 'text');

  assert.deepStrictEqual(site.log, ['client 5: its input cannot be handled - text']);
});

test('Guard: bugs pass through', () => {
  const site = new Site();
  const throwing = site.guard.around(site.sender, () => {
    throw new AssertionError('what must hold');
  });

  assert.throws(throwing, new AssertionError('what must hold'));
  assert.deepStrictEqual([site.destroyedCount, site.guard.failedCount, site.log], [0, 0, []]);
});

test('Guard: repeated errors of one sender do not fill the log', async () => {
  const site = new Site();
  const { guard, sender, clock, log } = site;
  for (let count = 0; count < 1000; count++) guard.end(sender, 'text');
  await clock.advance(1000);

  guard.end(sender, 'text');

  assert.deepStrictEqual([log.length, guard.failedCount, site.destroyedCount], [2, 1001, 1001]);
  assert.match(log[1], /\(and 999 before\)$/);
});
