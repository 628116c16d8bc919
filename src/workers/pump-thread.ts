/**
 * Entry of a pump thread: one task of the pool is the loop's whole life.
 *
 * Thread: pump.
 */

import { flushCompileCache } from 'node:module';
import { SystemClock } from '../shared/clock.ts';
import { Doorbell } from '../shared/ring/doorbell.ts';
import { RingReader } from '../shared/ring/reader.ts';
import { RingWriter } from '../shared/ring/writer.ts';
import type { PumpTask } from '../shared/thread-tasks.ts';
import { PumpLoop } from './pump/pump-loop.ts';
import { runLoop } from './run-loop.ts';

/** Runs the loop until main has it closed. Errors: throws what a turn throws. */
export default function runPumpThread(task: PumpTask): void {
  const clock = new SystemClock();
  const loop = new PumpLoop({
    publishes: new RingReader(task.publishes),
    commands: new RingReader(task.commands),
    deliveries: new RingWriter(task.deliveries),
    mainBell: new Doorbell(task.mainBell),
    disks: task.disks.map((disk) => ({
      append: new RingWriter(disk.append),
      read: new RingReader(disk.read),
      bell: new Doorbell(disk.bell),
    })),
    nodeId: task.nodeId,
    memoryBudgetBytes: task.memoryBudgetBytes,
    maxMsgTimeoutMs: task.maxMsgTimeoutMs,
    latency: {
      percentiles: task.latencyPercentiles,
      windowMs: task.latencyWindowMs,
      unixNs: () => Number(clock.unixNs()),
    },
    random: Math.random,
    monotonicMs: () => clock.monotonicMs(),
  });
  // A thread keeps what it has compiled only when it ends in order.
  flushCompileCache();
  runLoop(loop, new Doorbell(task.bell), clock);
}
