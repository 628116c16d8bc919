import assert from 'node:assert/strict';
import { test } from 'node:test';
import { versionWarning } from '../../../../src/workers/streams/nats/nats-version.ts';

test('versionWarning: servers before 2.10.27 are warned of, others and what cannot be read are not', () => {
  const old = ['2.9.10', '2.10.26', 'v2.10.3-beta', '1.99.99'];
  const sound = ['2.10.27', '2.10.27-RC.1', '2.11.0', '2.15.1', '3.0.0', '10.0.0', '', 'main'];

  const isWarned = (version: string): boolean => versionWarning(version) !== null;

  assert.deepEqual(old.filter(isWarned), old);
  assert.deepEqual(sound.filter(isWarned), []);
  assert.equal(
    versionWarning('2.9.10'),
    'nats-server 2.9.10 may lose or withhold messages when servers fail; use 2.10.27 or newer',
  );
});
