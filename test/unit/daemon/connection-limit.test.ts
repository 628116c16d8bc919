import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectionLimit } from '../../../src/daemon/connection-limit.ts';
import { ManualClock } from '../../support/manual-clock.ts';

function makeLimit(max: number): {
  limit: ConnectionLimit;
  clock: ManualClock;
  log: string[];
} {
  const clock = new ManualClock();
  const log: string[] = [];
  const logger = {
    warn: (text: string) => void log.push(text),
    error: (text: string) => void log.push(text),
  };
  return { limit: new ConnectionLimit(max, clock, logger), clock, log };
}

test('ConnectionLimit: counts TCP and HTTP together, and lets HTTP have some more', () => {
  const { limit } = makeLimit(2);

  const entered = [limit.tryEnter('TCP'), limit.tryEnter('HTTP'), limit.tryEnter('TCP')];
  const extra = Array.from({ length: 17 }, () => limit.tryEnter('HTTP'));

  assert.deepStrictEqual(entered, [true, true, false]);
  assert.deepStrictEqual(extra, [...Array.from({ length: 16 }, () => true), false]);
  assert.equal(limit.refusedCount, 2);
});

test('ConnectionLimit: a connection that closes makes room for one', () => {
  const { limit } = makeLimit(1);
  limit.tryEnter('TCP');
  limit.leave();

  assert.deepStrictEqual([limit.tryEnter('TCP'), limit.tryEnter('TCP')], [true, false]);
});

test('ConnectionLimit: without a bound everybody is let in', () => {
  const { limit, log } = makeLimit(Number.POSITIVE_INFINITY);

  const entered = Array.from({ length: 1000 }, () => limit.tryEnter('TCP'));

  assert.ok(entered.every(Boolean));
  assert.deepStrictEqual([limit.refusedCount, log], [0, []]);
});

test('ConnectionLimit: refusals and failures are counted, and logged once a second each', () => {
  const { limit, clock, log } = makeLimit(0);

  for (let i = 0; i < 3; i++) {
    limit.tryEnter('TCP');
    limit.noteFailure('HTTP', new Error('accept EMFILE'));
  }
  clock.advance(1000);
  limit.tryEnter('TCP');
  limit.noteFailure('TCP', new Error('accept EMFILE'));

  assert.equal(limit.refusedCount, 8);
  assert.deepStrictEqual(log, [
    'TCP: refused a client - there are 0 connections, which is the limit',
    'failed to accept HTTP connection - accept EMFILE',
    'TCP: refused a client - there are 0 connections, which is the limit (and 2 before)',
    'failed to accept TCP connection - accept EMFILE (and 2 before)',
  ]);
});
