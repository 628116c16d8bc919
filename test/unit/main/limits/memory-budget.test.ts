import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type MemoryOptions,
  machineMemoryBytes,
  memoryBudget,
} from '../../../../src/main/limits/memory-budget.ts';

const MIB = 2 ** 20;
/** 192 MiB for the process, 40 for each of two threads, 17 for the rings of one pump with one disk. */
const FIXED = (192 + 2 * 40 + 17) * MIB;
const OPTIONS: MemoryOptions = {
  maxMemory: { kind: 'percent', percent: 50 },
  pumpThreads: 1,
  diskThreads: 1,
  maxMsgSize: MIB,
  maxBodySize: 5 * MIB,
};

test('memoryBudget: an eighth of what is left is for bodies, the rest for messages', () => {
  const budget = memoryBudget(OPTIONS, 2 * (FIXED + 800 * MIB));

  assert.equal(budget.totalBytes, FIXED + 800 * MIB);
  // Half of it, because buffers are up to twice as large as what they hold.
  assert.equal(budget.bodyBytes, 50 * MIB);
  assert.equal(budget.pumpBytes, 700 * MIB);
});

test('memoryBudget: pump threads share alike', () => {
  const threads = { ...OPTIONS, pumpThreads: 4 };
  const fixed = FIXED + 3 * (40 + 17) * MIB;

  const budget = memoryBudget(threads, 2 * (fixed + 800 * MIB));

  assert.equal(budget.pumpBytes, 175 * MIB);
});

test('memoryBudget: shares are never smaller than what is needed to work at all', () => {
  const maxMemory = { kind: 'bytes', bytes: MIB } as const;

  const { leastBytes, ...budget } = memoryBudget({ ...OPTIONS, maxMemory }, 1e12);

  assert.deepStrictEqual(budget, {
    totalBytes: MIB,
    bodyBytes: 10 * MIB,
    pumpBytes: 16 * MIB,
  });
  assert.equal(leastBytes, FIXED + 20 * MIB + 16 * MIB);
});

test('memoryBudget: two of the largest bodies always have room', () => {
  const options = { ...OPTIONS, maxMsgSize: 100 * MIB };

  const { bodyBytes } = memoryBudget(options, 2 ** 30);

  assert.ok(bodyBytes >= 2 * options.maxMsgSize);
});

test('memoryBudget: no more is given out than there is', () => {
  for (const pumpThreads of [1, 3, 64]) {
    for (const machineGib of [0.5, 1, 4, 64, 1024]) {
      const options = { ...OPTIONS, pumpThreads };
      const budget = memoryBudget(options, machineGib * 2 ** 30);
      const total = Math.max(budget.totalBytes ?? 0, budget.leastBytes);
      const fixed = FIXED + (pumpThreads - 1) * (26 + 17) * MIB;

      const given = fixed + 2 * budget.bodyBytes + pumpThreads * budget.pumpBytes;

      assert.ok(given <= total, `${pumpThreads} threads, ${machineGib} GiB`);
    }
  }
});

test('memoryBudget: 0 is no bound', () => {
  const maxMemory = { kind: 'bytes', bytes: 0 } as const;

  const budget = memoryBudget({ ...OPTIONS, maxMemory }, 2 ** 30);

  assert.equal(budget.totalBytes, undefined);
  assert.ok(budget.pumpBytes > 2 ** 50 && budget.bodyBytes > 2 ** 50);
});

test('machineMemoryBytes: some memory, and no more than the machine has', () => {
  const bytes = machineMemoryBytes();

  assert.ok(bytes > 64 * MIB && bytes < 2 ** 50, `${bytes}`);
});
