/**
 * The load generator's process: runs one workload, which its parent process names, and exits. A process of its own has
 * its own event loop, heap and CPU time.
 */

import { once } from 'node:events';
import { churn } from './workloads/churn.ts';
import { httpPublish } from './workloads/http-publish.ts';
import { idle } from './workloads/idle.ts';
import { latency } from './workloads/latency.ts';
import { deferred, expiry } from './workloads/lateness.ts';
import { mixed } from './workloads/mixed.ts';
import { consume, makeChannels, publish, publishAndConsume } from './workloads/traffic.ts';
import { type Outcome, ProgressCount } from './workloads/workload.ts';

/** All workloads, by the names under which another process requests them. */
const WORKLOADS = {
  churn,
  consume,
  deferred,
  expiry,
  httpPublish,
  idle,
  latency,
  makeChannels,
  mixed,
  publish,
  publishAndConsume,
} as const;

export type WorkloadName = keyof typeof WORKLOADS;

/** The parameters of a workload; they pass between processes as JSON. */
export type WorkloadOrder<Name extends WorkloadName> = Parameters<(typeof WORKLOADS)[Name]>[0];

const TELL_MS = 250;

/** Messages to the generator. */
export type GeneratorTask<Name extends WorkloadName = WorkloadName> = {
  readonly workload: Name;
  readonly order: WorkloadOrder<Name>;
};

/** Messages from the generator. */
export type GeneratorNews =
  /** Everything is connected; it waits for the signal to begin. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'progress'; readonly done: number }
  /** Units: `cpuUs` µs of this process since its start; `startedMs` Unix ms. */
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

async function run({ workload, order }: GeneratorTask): Promise<void> {
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
    // the order belongs to the workload: JSON between the processes has erased both types
    const start = WORKLOADS[workload] as (
      order: unknown,
      progress: ProgressCount,
    ) => Promise<Outcome>;
    const outcome = await start(order, progress);
    const { user, system } = process.cpuUsage(startCpu);
    end({ kind: 'done', outcome, cpuUs: user + system, startedMs }, 0);
  } catch (error) {
    fail(error);
  }
}

/** Reports the progress of the workload, and ends it if it makes none for too long. */
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

/** Exits once the message is sent. */
function end(news: GeneratorNews, code: number): void {
  process.send?.(news, () => process.exit(code));
}

function tell(news: GeneratorNews): void {
  process.send?.(news);
}
