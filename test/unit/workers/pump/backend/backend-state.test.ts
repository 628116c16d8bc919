import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BackendHealth } from '../../../../../src/workers/pump/backend/backend-state.ts';

test('BackendHealth: is well again only when nothing fails any more', () => {
  const told: (string | null)[] = [];
  const health = new BackendHealth((error) => told.push(error));
  health.set('sync', 'no sync');
  health.set('write', 'no write');
  health.set('write', 'no write');
  health.set('write', null);
  health.set('read', null);
  health.set('sync', null);

  assert.deepEqual(told, ['no sync', 'no write', 'no sync', null]);
});

test('BackendHealth: nothing is wrong with a queue that is no more', () => {
  const told: (string | null)[] = [];
  const health = new BackendHealth((error) => told.push(error));
  health.set('read', 'no read');
  health.set('write', 'no write');
  health.clear();
  health.clear();

  assert.deepEqual(told, ['no read', 'no write', null]);
});
