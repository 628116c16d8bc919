/**
 * Entry of a disk thread: one task of the pool runs the loop from start to end.
 *
 * Thread: disk.
 */

import { flushCompileCache } from 'node:module';
import { SystemClock } from '../shared/clock.ts';
import { Doorbell } from '../shared/ring/doorbell.ts';
import { Pulse } from '../shared/ring/pulse.ts';
import { ThreadMeter } from '../shared/thread-meter.ts';
import type { DiskTask, RecoveryTask } from '../shared/thread-tasks.ts';
import { BeatingFileSystem, FileMeter, NodeFileSystem } from './disk/files/file-system.ts';
import { wireIoLoop } from './disk/io-wiring.ts';
import { recoverJournals } from './disk/journal/journal-recovery.ts';
import { type Loop, runLoop } from './run-loop.ts';
import { readHeap } from './thread-heap.ts';

/**
 * Runs the loop until all pumps have ended, or recovers from journals and returns what there is to log. Errors: throws
 * what a turn or the recovery throws.
 */
export default function runDiskThread(task: DiskTask | RecoveryTask): string[] {
  if ('recover' in task) return recover(task);
  const clock = new SystemClock();
  const meter = new ThreadMeter(task.meter, readHeap, clock.monotonicMs());
  const pulse = new Pulse(task.pulse);
  const loop = wireIoLoop(task, new BeatingFileSystem(pulse, new FileMeter(meter, clock)));
  // A thread saves its compile cache only when it ends cleanly.
  flushCompileCache();
  runLoop(new BeatingLoop(loop, pulse), new Doorbell(task.bell), clock, meter);
  return [];
}

function recover({ dataPath }: RecoveryTask): string[] {
  const lines: string[] = [];
  recoverJournals({
    fileSystem: new NodeFileSystem(),
    dataPath,
    log: (_, text) => lines.push(text),
  });
  return lines;
}

/** A loop that marks its turns, so that main can detect a file call that hangs. */
class BeatingLoop implements Loop {
  readonly #loop: Loop;
  readonly #pulse: Pulse;

  constructor(loop: Loop, pulse: Pulse) {
    this.#loop = loop;
    this.#pulse = pulse;
  }

  get nextDeadlineMs(): number {
    return this.#loop.nextDeadlineMs;
  }

  get isDone(): boolean {
    return this.#loop.isDone;
  }

  step(nowMs: number): number {
    this.#pulse.begin();
    const work = this.#loop.step(nowMs);
    this.#pulse.end();
    return work;
  }
}
