import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planThreads } from '../../../../src/main/pumps/thread-plan.ts';
import { RECORDS_OFFSET } from '../../../../src/shared/ring/ring.ts';

const SETUP = {
  pumpCount: 2,
  diskCount: 3,
  sizes: { publishes: 1024, commands: 512, deliveries: 2048, requests: 256, replies: 128 },
  pump: {
    nodeId: 7,
    memoryBudgetBytes: 1,
    maxMsgTimeoutMs: 2,
    latencyPercentiles: [0.5],
    latencyWindowMs: 3,
  },
  disk: { dataPath: '/data', maxBytesPerFile: 4, maxMsgSize: 5, syncEvery: 6, syncTimeoutMs: 7 },
  stream: null,
};

test('planThreads: each pair of a pump and a disk thread has two rings, which both know', () => {
  const { pumpTasks, diskTasks } = planThreads(SETUP);

  for (const [p, pump] of pumpTasks.entries()) {
    for (const [d, disk] of diskTasks.entries()) {
      assert.equal(pump.disks[d].requests, disk.pumps[p].requests);
      assert.equal(pump.disks[d].replies, disk.pumps[p].replies);
      assert.equal(pump.disks[d].bell, disk.bell);
      assert.equal(disk.pumps[p].bell, pump.bell);
    }
  }
  const rings = pumpTasks.flatMap(({ disks }) => disks.map(({ requests }) => requests));
  assert.equal(new Set(rings).size, 6);
});

test('planThreads: all pumps ring one bell of main, and have rings of their own to it', () => {
  const { mainBell, pumpTasks } = planThreads(SETUP);

  const sizes = pumpTasks.map(({ publishes, commands, deliveries }) =>
    [publishes, commands, deliveries].map(({ byteLength }) => byteLength - RECORDS_OFFSET),
  );
  assert.deepStrictEqual(
    pumpTasks.map((task) => task.mainBell === mainBell),
    [true, true],
  );
  assert.notEqual(pumpTasks[0].publishes, pumpTasks[1].publishes);
  assert.deepStrictEqual(sizes, [
    [1024, 512, 2048],
    [1024, 512, 2048],
  ]);
});

test('planThreads: every task has the options of its kind', () => {
  const { pumpTasks, diskTasks } = planThreads(SETUP);

  assert.deepStrictEqual(
    [pumpTasks[1].nodeId, pumpTasks[1].latencyPercentiles, diskTasks[2].dataPath],
    [7, [0.5], '/data'],
  );
  assert.notEqual(diskTasks[0].pulse, diskTasks[1].pulse);
});
