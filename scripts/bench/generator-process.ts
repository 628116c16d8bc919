/** Runs a workload in a process of its own. */

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { CleanUp } from './clean-up.ts';
import type { GeneratorNews, GeneratorTask, WorkloadName, WorkloadOrder } from './generator.ts';
import { EXTENSION } from './places.ts';
import type { Outcome } from './workloads/workload.ts';

const ENTRY = fileURLToPath(new URL(`./generator.${EXTENSION}`, import.meta.url));

/** Follows a workload. */
export interface WorkloadListener {
  /** Everything is connected; resolves when what is measured may begin. */
  onReady(): Promise<void>;
  onProgress(done: number): void;
}

/** Units: `generatorCpuUs` µs of the generator's process, from the start on; `startedMs` Unix ms. */
export type WorkloadResult = {
  readonly outcome: Outcome;
  readonly generatorCpuUs: number;
  readonly startedMs: number;
};

/** Runs a workload to its end. Errors: rejects with what it could not do. */
export function runWorkload<Name extends WorkloadName>(
  workload: Name,
  order: WorkloadOrder<Name>,
  listener: WorkloadListener,
  cleanUp: CleanUp,
): Promise<WorkloadResult> {
  const child: ChildProcess = fork(ENTRY, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const ended = cleanUp.add(() => child.kill('SIGKILL'));
  return new Promise<WorkloadResult>((resolve, reject) => {
    child.on('message', (news: GeneratorNews) => {
      switch (news.kind) {
        case 'ready':
          listener.onReady().then(() => child.send('go'), reject);
          return;
        case 'progress':
          listener.onProgress(news.done);
          return;
        case 'done':
          resolve({ outcome: news.outcome, generatorCpuUs: news.cpuUs, startedMs: news.startedMs });
          return;
        case 'failed':
          reject(new Error(news.why));
      }
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      ended();
      reject(new Error(`the load generator ended with ${signal ?? code}`));
    });
    child.send({ workload, order } satisfies GeneratorTask<Name>);
  });
}
