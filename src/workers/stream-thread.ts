/**
 * Entry of the stream thread: one task of the pool runs the loop from start to end. It does not block, because its
 * connection needs the event loop.
 *
 * Thread: stream.
 */

import { SystemClock } from '../shared/clock.ts';
import { Doorbell } from '../shared/ring/doorbell.ts';
import { ThreadMeter } from '../shared/thread-meter.ts';
import type { StreamTask } from '../shared/thread-tasks.ts';
import { LoopRunner } from './loop-runner.ts';
import { NatsStore } from './streams/nats/nats-store.ts';
import { wireStreamLoop } from './streams/stream-wiring.ts';
import { readHeap } from './thread-heap.ts';

/** Runs the loop until all pumps have ended. Errors: rejects with what a turn throws. */
export default async function runStreamThread(task: StreamTask): Promise<void> {
  const clock = new SystemClock();
  const meter = new ThreadMeter(task.meter, readHeap, clock.monotonicMs());
  const bell = new Doorbell(task.bell);
  // The store's answers come on this thread, so the loop is woken without its bell.
  const wake = (): void => runner.wake();
  const loop = wireStreamLoop(task, new NatsStore(task, clock), clock, wake);
  const runner: LoopRunner = new LoopRunner(loop, bell, clock, meter);
  await runner.run();
}
