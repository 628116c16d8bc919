import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AssertionError } from '../../../../src/shared/assert.ts';
import { type HealthNews, QueueHealth } from '../../../../src/workers/disk/queue-syncs.ts';

/** Everything that is to be told, as text. */
function told(health: QueueHealth<string>): string[] {
  const texts: string[] = [];
  health.tell(({ queue, about, error }: HealthNews<string>) => {
    texts.push(`${queue} ${about} ${error ?? 'ok'}`);
    return true;
  });
  return texts;
}

function fail(): never {
  throw new Error('no space');
}

test('QueueHealth: a queue that failed to be written is probed each second until it can be', () => {
  const health = new QueueHealth<string>();
  health.onWritten('a', true, 100);
  const first = health.nextProbeMs;
  const early = health.probe(1099, fail);
  const failed = health.probe(1100, fail);
  const second = health.nextProbeMs;
  const before = told(health);
  const succeeded = health.probe(2100, () => undefined);

  assert.deepEqual([first, early, failed, second, succeeded], [1100, 0, 1, 2100, 1]);
  assert.deepEqual([before, told(health), told(health)], [[], ['a write ok'], []]);
  assert.equal(health.nextProbeMs, Number.POSITIVE_INFINITY);
});

test('QueueHealth: a write that succeeds ends the probing, and tells by itself', () => {
  const health = new QueueHealth<string>();
  health.onWritten('a', true, 0);
  health.probe(1000, () => undefined);
  health.onWritten('a', false, 1000);

  assert.deepEqual([health.nextProbeMs, told(health)], [Number.POSITIVE_INFINITY, []]);
});

test('QueueHealth: of syncs the latest outcome is told, success only after a failure', () => {
  const health = new QueueHealth<string>();
  health.onSynced('well', undefined);
  health.onSynced('a', 'EIO');
  health.onSynced('b', 'EIO');
  health.onSynced('b', undefined);

  assert.deepEqual(told(health), ['a sync EIO', 'b sync ok']);
});

test('QueueHealth: what finds no room is told later, and a closed queue is forgotten', () => {
  const health = new QueueHealth<string>();
  health.onSynced('a', 'EIO');
  health.onSynced('b', 'EIO');
  health.onWritten('b', true, 0);
  health.tell(() => false);
  health.forget('b');

  assert.deepEqual([told(health), health.nextProbeMs], [['a sync EIO'], Number.POSITIVE_INFINITY]);
});

test('QueueHealth: a bug in a probe is not taken for a disk that fails', () => {
  const health = new QueueHealth<string>();
  health.onWritten('q', true, 0);

  const probe = (): void => {
    throw new AssertionError('a bug');
  };

  assert.throws(() => health.probe(10_000, probe), AssertionError);
});
