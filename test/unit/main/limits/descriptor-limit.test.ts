import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectionsMax } from '../../../../src/main/limits/descriptor-limit.ts';

const THREADS = { pumpThreads: 1, diskThreads: 1 };
/** 160 for the broker itself, 8 for each of two threads, 320 for the files of a disk thread. */
const RESERVE = 160 + 16 + 320;

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
