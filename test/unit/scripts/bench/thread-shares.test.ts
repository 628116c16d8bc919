import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mainFigures, threadFigures } from '../../../../scripts/bench/thread-shares.ts';
import type { ThreadTime } from '../../../../scripts/kit/proc.ts';

const PID = 40;

function thread(id: number, name: string, startTicks: number, cpuMs: number): ThreadTime {
  return { id, name, startTicks, cpuUs: cpuMs * 1000 };
}

/** Two pump threads and a disk thread, whose ids do not come in the order of their starts. */
const BEFORE = [
  thread(40, 'node-MainThread', 100, 500),
  thread(41, 'node-V8Worker', 100, 10),
  thread(90, 'WorkerThread', 110, 20),
  thread(45, 'WorkerThread', 111, 20),
  thread(44, 'WorkerThread', 112, 20),
];
const AFTER = [
  thread(40, 'node-MainThread', 100, 900),
  thread(41, 'node-V8Worker', 100, 110),
  thread(90, 'WorkerThread', 110, 820),
  thread(45, 'WorkerThread', 111, 620),
  thread(44, 'WorkerThread', 112, 70),
  thread(99, 'libuv-worker', 400, 50),
];
const SPAN = { pid: PID, before: BEFORE, after: AFTER, elapsedMs: 1000, count: 100_000 };

test('threadFigures: pump threads started first, disk threads after them', () => {
  assert.deepStrictEqual(threadFigures(SPAN, { pumps: 2, disks: 1 }), {
    mainCpuUs: 4,
    mainBusy: 40,
    pumpCpuUs: 14,
    pumpBusyMost: 80,
    pumpBusyLeast: 60,
    diskCpuUs: 0.5,
    diskBusyMost: 5,
    diskBusyLeast: 5,
    otherCpuUs: 1.5,
  });
});

test('threadFigures: where the threads are not those that should be there, only main is known', () => {
  const unnamed = AFTER.map((time) => ({ ...time, name: 'node' }));
  const main = { mainCpuUs: 4, mainBusy: 40 };

  assert.deepStrictEqual(threadFigures(SPAN, { pumps: 1, disks: 1 }), main);
  assert.deepStrictEqual(threadFigures({ ...SPAN, after: unnamed }, { pumps: 2, disks: 1 }), main);
  assert.deepStrictEqual(mainFigures(SPAN), main);
});
