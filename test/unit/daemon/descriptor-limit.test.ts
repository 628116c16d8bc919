import assert from 'node:assert/strict';
import { test } from 'node:test';
import { descriptorLimit, openFilesLimit } from '../../../src/daemon/descriptor-limit.ts';

for (const [report, limit] of [
  [{ userLimits: { open_files: { soft: 1024, hard: 4096 } } }, 1024],
  [{ userLimits: { open_files: { soft: '1024', hard: 'unlimited' } } }, 1024],
  [{ userLimits: { open_files: { soft: 'unlimited', hard: 'unlimited' } } }, undefined],
  [{ userLimits: { open_files: { soft: 0 } } }, undefined],
  [{ userLimits: {} }, undefined],
  [{}, undefined],
  [undefined, undefined],
] as const) {
  test(`openFilesLimit: ${JSON.stringify(report)}`, () => {
    assert.equal(openFilesLimit(report), limit);
  });
}

test('descriptorLimit: this process has one or has not, and the report is as it was', () => {
  const limit = descriptorLimit();

  assert.ok(limit === undefined || limit > 10);
  assert.notEqual(process.platform === 'linux' && limit === undefined, true);
});
