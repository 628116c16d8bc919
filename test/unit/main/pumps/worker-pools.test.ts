import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { Deliveries } from '../../../../src/main/pumps/deliveries.ts';
import { PumpHandle } from '../../../../src/main/pumps/pump-handle.ts';
import { WorkerPools } from '../../../../src/main/pumps/worker-pools.ts';
import { Doorbell } from '../../../../src/shared/ring/doorbell.ts';
import { RECORDS_OFFSET, RingWriter } from '../../../../src/shared/ring/ring.ts';
import { optionsWith } from '../../../support/broker-turns.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { strictGuard } from '../../../support/strict-guard.ts';

async function startPools(
  t: TestContext,
  given: Readonly<Record<string, unknown>>,
): Promise<WorkerPools> {
  const dataPath = await mkdtemp(path.join(tmpdir(), 'ringmq-pools-'));
  const pools = new WorkerPools(optionsWith({ dataPath, ...given }), 2 ** 30);
  t.after(async () => {
    await pools.destroy();
    await rm(dataPath, { recursive: true, force: true });
  });
  return pools;
}

test('WorkerPools: all loops end when the pumps are closed', async (t) => {
  const pools = await startPools(t, { pumpThreads: 2, diskThreads: 2 });
  const clock = new ManualClock();
  const pumps = pools.pumps.map((memory) => new PumpHandle(memory, clock, () => undefined));
  const deliveries = new Deliveries({
    pumps,
    bell: new Doorbell(pools.mainBell),
    clock,
    target: () => undefined,
    guard: strictGuard(),
    onEvent: () => undefined,
    onDeadLetters: () => undefined,
    onWork: () => undefined,
  });
  const running = deliveries.run();
  const replies = pumps.map((pump) => {
    const reply = pump.request({ do: 'close' });
    pump.flush();
    return reply;
  });

  const closed = await Promise.all(replies);
  await pools.ended;
  deliveries.stop();
  await running;

  assert.deepStrictEqual(closed, [{ error: null }, { error: null }]);
});

test('WorkerPools: a loop that crashes rejects `ended`', async (t) => {
  const pools = await startPools(t, { pumpThreads: 1, diskThreads: 1 });
  const [memory] = pools.pumps;
  const commands = new RingWriter(memory.commands);
  commands.claim(4);
  commands.commit(12_345, 4);
  commands.publish();
  new Doorbell(memory.bell).ring();

  await assert.rejects(pools.ended, /main sends no other commands/);
});

test('WorkerPools: rings hold the largest message twice', async (t) => {
  const pools = await startPools(t, { pumpThreads: 1, maxMsgSize: 5_000_000 });
  pools.ended.catch((error: unknown) => assert(error instanceof Error));

  const [{ publishes, commands, deliveries }] = pools.pumps;

  const capacities = [publishes, commands, deliveries].map(
    (memory) => memory.byteLength - RECORDS_OFFSET,
  );
  assert.deepStrictEqual(capacities, [2 ** 24, 2 ** 20, 2 ** 24]);
});
