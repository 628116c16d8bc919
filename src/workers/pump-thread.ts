/**
 * Entry of a pump thread: one task of the pool runs the loop from start to end.
 *
 * Thread: pump.
 */

import { flushCompileCache } from 'node:module';
import { SystemClock } from '../shared/clock.ts';
import { Doorbell } from '../shared/ring/doorbell.ts';
import { ThreadMeter } from '../shared/thread-meter.ts';
import type { PumpTask } from '../shared/thread-tasks.ts';
import { wirePumpLoop } from './pump/pump-wiring.ts';
import { runLoop } from './run-loop.ts';
import { readHeap } from './thread-heap.ts';

/** Runs the loop until main closes it. Errors: throws the errors of turns. */
export default function runPumpThread(task: PumpTask): void {
  const clock = new SystemClock();
  const meter = new ThreadMeter(task.meter, readHeap, clock.monotonicMs());
  const loop = wirePumpLoop(task, { clock, thread: meter, random: Math.random });
  // A thread saves its compile cache only when it ends cleanly.
  flushCompileCache();
  // Without consumers nobody waits for publishes that need no answer.
  const mayDoze = (): boolean => loop.state.consumers.size === 0;
  runLoop(loop, new Doorbell(task.bell), clock, meter, mayDoze);
}
