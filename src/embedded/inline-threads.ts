/**
 * The loops of a broker in memory: one pump and one disk on the program's thread, with files that exist only in memory.
 * They are the same loops, on the same rings, that run on worker threads elsewhere.
 *
 * Thread: main.
 */

import type { Options } from '../main/options/options.ts';
import { planBroker } from '../main/pumps/broker-plan.ts';
import { ThreadGauges } from '../main/pumps/thread-gauges.ts';
import type { PumpMemory } from '../main/pumps/thread-plan.ts';
import type { Threads } from '../main/pumps/threads.ts';
import type { Clock } from '../shared/clock.ts';
import { Doorbell } from '../shared/ring/doorbell.ts';
import { Pulse } from '../shared/ring/pulse.ts';
import { ThreadMeter } from '../shared/thread-meter.ts';
import { wireIoLoop } from '../workers/disk/io-wiring.ts';
import { NO_JOURNAL } from '../workers/disk/journal/journal-file.ts';
import { LoopRunner } from '../workers/loop-runner.ts';
import { wirePumpLoop } from '../workers/pump/pump-wiring.ts';
import { MemoryFiles } from './memory-files.ts';

/** The loops share the heap of main. */
const NO_HEAP = { usedBytes: 0, limitBytes: 0 };

export class InlineThreads implements Threads {
  readonly pumps: readonly PumpMemory[];
  readonly mainBell: SharedArrayBuffer;
  readonly diskPulses: readonly Pulse[];
  readonly gauges: ThreadGauges;
  readonly recovered = Promise.resolve([]);
  readonly ended: Promise<void>;

  readonly #runners: readonly LoopRunner[];

  constructor(options: Options, pumpBytes: number, clock: Clock) {
    const { mainBell, pumpTasks, diskTasks, streamTask } = planBroker(options, pumpBytes);
    if (streamTask !== null) throw new Error('a broker in memory has no store: leave natsUrl out');
    const files = new MemoryFiles(options.dataPath);
    this.mainBell = mainBell;
    this.pumps = pumpTasks;
    this.gauges = new ThreadGauges(pumpTasks, diskTasks);
    this.diskPulses = diskTasks.map(({ pulse }) => new Pulse(pulse));
    this.#runners = [
      ...pumpTasks.map((task) => {
        const meter = new ThreadMeter(task.meter, () => NO_HEAP, clock.monotonicMs());
        const loop = wirePumpLoop(task, { clock, thread: meter, random: Math.random });
        return new LoopRunner(loop, new Doorbell(task.bell), clock, meter);
      }),
      ...diskTasks.map((task) => {
        const meter = new ThreadMeter(task.meter, () => NO_HEAP, clock.monotonicMs());
        const loop = wireIoLoop(task, files, NO_JOURNAL);
        return new LoopRunner(loop, new Doorbell(task.bell), clock, meter);
      }),
    ];
    this.ended = Promise.all(this.#runners.map((runner) => runner.run())).then(() => undefined);
  }

  canClose(): boolean {
    return true;
  }

  async destroy(): Promise<void> {
    for (const runner of this.#runners) runner.stop();
  }
}
