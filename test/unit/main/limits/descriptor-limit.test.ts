import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  connectionsMax,
  descriptorLimit,
  openFilesLimit,
} from '../../../../src/main/limits/descriptor-limit.ts';

const THREADS = { pumpThreads: 1, diskThreads: 1 };
/** 160 for the broker itself, 8 for each of two threads, 320 for the files of a disk thread. */
const RESERVE = 160 + 16 + 320;

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

for (const [asked, limit, max] of [
  [0, undefined, Number.POSITIVE_INFINITY],
  [5, undefined, 5],
  [0, 20_000, 20_000 - RESERVE],
  [5, 20_000, 5],
  [20_000 - RESERVE, 20_000, 20_000 - RESERVE],
  [0, 256, 128],
] as const) {
  test(`connectionsMax: ${asked} with ${limit} descriptors are ${max}`, () => {
    const options = { ...THREADS, maxConnections: asked };

    assert.deepStrictEqual(connectionsMax(options, limit), { max, warning: undefined });
  });
}

test('connectionsMax: says that there are too few descriptors', () => {
  const { max, warning } = connectionsMax({ ...THREADS, maxConnections: 1000 }, 1024);

  assert.equal(max, 1024 - RESERVE);
  assert.equal(
    warning,
    '--max-connections=1000 cannot be reached: of 1024 descriptors 528 are left to clients',
  );
});
