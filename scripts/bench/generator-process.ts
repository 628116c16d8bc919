/** Runs a drive in a process of its own. */

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { CleanUp } from './clean-up.ts';
import type { Outcome } from './drives/drive.ts';
import type { DriveName, DriveOrder } from './drives/drives.ts';
import type { GeneratorNews, GeneratorTask } from './generator.ts';
import { EXTENSION } from './places.ts';

const ENTRY = fileURLToPath(new URL(`./generator.${EXTENSION}`, import.meta.url));

/** Who is told how a drive gets on. */
export interface DriveListener {
  /** Everything is connected; resolves when what is measured may begin. */
  onReady(): Promise<void>;
  onProgress(done: number): void;
}

/** Units: `generatorCpuUs` µs of the generator's process, from the start on; `startedMs` Unix ms. */
export type DriveResult = {
  readonly outcome: Outcome;
  readonly generatorCpuUs: number;
  readonly startedMs: number;
};

/** Runs a drive to its end. Errors: rejects with what the drive could not do. */
export function runDrive<Name extends DriveName>(
  drive: Name,
  order: DriveOrder<Name>,
  listener: DriveListener,
  cleanUp: CleanUp,
): Promise<DriveResult> {
  const child: ChildProcess = fork(ENTRY, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const ended = cleanUp.add(() => child.kill('SIGKILL'));
  return new Promise<DriveResult>((resolve, reject) => {
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
    child.send({ drive, order } satisfies GeneratorTask<Name>);
  });
}
