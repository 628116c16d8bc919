/**
 * The worker threads: two pools, or three with a store of replicated topics, and one task for each thread, which runs
 * for the lifetime of the thread.
 *
 * Thread: main. This is the only file that names the workers' entry files, and that uses piscina.
 */

import { Piscina } from 'piscina';
import { errorText } from '../../shared/error-text.ts';
import { Pulse } from '../../shared/ring/pulse.ts';
import type { RecoveryTask } from '../../shared/thread-tasks.ts';
import type { Options } from '../options/options.ts';
import { planBroker } from './broker-plan.ts';
import { ThreadGauges } from './thread-gauges.ts';
import type { PumpMemory } from './thread-plan.ts';
import type { Threads } from './threads.ts';

/** The extension of the running file: the published package is compiled, the sources are not. */
const EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
/** Where the workers' entry files are, as a directory. */
const WORKERS = new URL('../../workers/', import.meta.url);
const PUMP_ENTRY = `pump-thread.${EXTENSION}`;
const DISK_ENTRY = `disk-thread.${EXTENSION}`;
const STREAM_ENTRY = `stream-thread.${EXTENSION}`;

export class WorkerPools implements Threads {
  /** The memory that main shares with each pump thread. */
  readonly pumps: readonly PumpMemory[];
  readonly mainBell: SharedArrayBuffer;
  /** For each disk thread, whether it is in a turn. */
  readonly diskPulses: readonly Pulse[];
  /** The memory where the threads publish their counters, and the rings between them. */
  readonly gauges: ThreadGauges;
  readonly recovered: Promise<readonly string[]>;
  /** Resolves when every loop has ended; rejects when one has crashed. */
  readonly ended: Promise<void>;

  readonly #pools: Piscina[];
  #destroyed: Promise<void> | undefined;
  readonly #crashedPumps = new Set<number>();
  #crashedDiskCount = 0;
  readonly #diskCount: number;

  /** Units: `memoryBudgetBytes` for the messages of each pump thread. */
  constructor(options: Options, memoryBudgetBytes: number, workers: URL = WORKERS) {
    const { pumpThreads: pumpCount, diskThreads: diskCount } = options;
    this.#diskCount = diskCount;
    const { mainBell, pumpTasks, diskTasks, streamTask } = planBroker(options, memoryBudgetBytes);
    this.mainBell = mainBell;
    this.pumps = pumpTasks;
    this.gauges = new ThreadGauges(pumpTasks, diskTasks);
    this.diskPulses = diskTasks.map(({ pulse }) => new Pulse(pulse));
    const pumpPool = makePool(new URL(PUMP_ENTRY, workers).href, pumpCount);
    const diskPool = makePool(new URL(DISK_ENTRY, workers).href, diskCount);
    this.#pools = [pumpPool, diskPool];
    // Without a store its packages are not even loaded.
    const streamPool =
      streamTask === null ? null : makePool(new URL(STREAM_ENTRY, workers).href, 1);
    if (streamPool !== null) this.#pools.push(streamPool);
    const recovery: RecoveryTask = { recover: true, dataPath: options.dataPath };
    this.recovered = diskPool.run(recovery);
    const loops = [
      ...pumpTasks.map((task, index) =>
        noteCrash(pumpPool.run(task), () => this.#crashedPumps.add(index)),
      ),
      ...diskTasks.map((task) =>
        noteCrash(
          this.recovered.then(() => diskPool.run(task)),
          () => this.#crashedDiskCount++,
        ),
      ),
    ];
    if (streamPool !== null) loops.push(streamPool.run(streamTask));
    this.ended = Promise.all(loops).then(() => undefined);
  }

  /** Whether a pump thread runs and a disk thread is left to write its messages. */
  canClose(pump: number): boolean {
    return !this.#crashedPumps.has(pump) && this.#crashedDiskCount < this.#diskCount;
  }

  /** Ends the threads. Call it when the loops have ended or one has crashed. */
  destroy(): Promise<void> {
    // A second call of a pool's own resolves while threads are still there.
    this.#destroyed ??= Promise.all(this.#pools.map((pool) => pool.destroy())).then(
      () => undefined,
    );
    return this.#destroyed;
  }
}

async function noteCrash(loop: Promise<unknown>, onCrashed: () => void): Promise<void> {
  try {
    await loop;
  } catch (error) {
    onCrashed();
    throw error;
  }
}

function makePool(filename: string, threads: number): Piscina {
  return new Piscina({
    filename,
    minThreads: threads,
    maxThreads: threads,
    concurrentTasksPerWorker: 1,
    idleTimeout: Number.POSITIVE_INFINITY,
    // A thread runs only one task; waiting for another would keep it from ending.
    atomics: 'disabled',
  });
}

/** Resolves with an error when a worker thread crashes; never when they end cleanly. */
export function crashOf(ended: Promise<unknown>): Promise<Error> {
  return ended.then(
    () => new Promise<Error>(() => undefined),
    (cause: unknown) => new Error(`a worker thread has crashed - ${errorText(cause)}`, { cause }),
  );
}
