/**
 * The load generator's process: runs one drive that it is told by the process that started it, and ends. A process
 * of its own has its event loop, its heap and its CPU time to itself.
 */

import { once } from 'node:events';
import { type Outcome, ProgressCount } from './drives/drive.ts';
import { DRIVES, type DriveName, type DriveOrder } from './drives/drives.ts';

const TELL_MS = 250;

/** What the generator is told. */
export type GeneratorTask<Name extends DriveName = DriveName> = {
  readonly drive: Name;
  readonly order: DriveOrder<Name>;
};

/** What it tells. */
export type GeneratorNews =
  /** Everything is connected; it waits to be told to go. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'progress'; readonly done: number }
  /** Units: `cpuUs` µs of this process, from the start on; `startedMs` Unix ms. */
  | {
      readonly kind: 'done';
      readonly outcome: Outcome;
      readonly cpuUs: number;
      readonly startedMs: number;
    }
  | { readonly kind: 'failed'; readonly why: string };

process.once('message', (task: GeneratorTask) => void run(task));
process.once('disconnect', () => process.exit(1));
process.once('uncaughtException', fail);

async function run({ drive, order }: GeneratorTask): Promise<void> {
  let startCpu = process.cpuUsage();
  let startedMs = 0;
  const progress = new ProgressCount(async () => {
    tell({ kind: 'ready' });
    await once(process, 'message');
    startCpu = process.cpuUsage();
    startedMs = performance.timeOrigin + performance.now();
  });
  watch(progress);
  try {
    // the task's order is its drive's: the types of both left this process's sight on their way
    const start = DRIVES[drive] as (order: unknown, progress: ProgressCount) => Promise<Outcome>;
    const outcome = await start(order, progress);
    const { user, system } = process.cpuUsage(startCpu);
    end({ kind: 'done', outcome, cpuUs: user + system, startedMs }, 0);
  } catch (error) {
    fail(error);
  }
}

/** Tells how far the drive is, and ends it when nothing happens any more. */
function watch(progress: ProgressCount): void {
  let last = 0;
  let lastMs = performance.now();
  setInterval(() => {
    if (progress.done !== last) {
      last = progress.done;
      lastMs = performance.now();
      tell({ kind: 'progress', done: last });
    } else if (performance.now() - lastMs > progress.stallMs) {
      const seconds = Math.round(progress.stallMs / 1000);
      fail(new Error(`nothing has happened for ${seconds} s, after ${progress.done}`));
    }
  }, TELL_MS).unref();
}

function fail(error: unknown): void {
  const why = error instanceof Error ? error.message : String(error);
  end({ kind: 'failed', why }, 1);
}

/** Ends the process, once the news is on its way. */
function end(news: GeneratorNews, code: number): void {
  process.send?.(news, () => process.exit(code));
}

function tell(news: GeneratorNews): void {
  process.send?.(news);
}
