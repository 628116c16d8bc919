/** The processes that a run starts: load generators and servers. */

import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { CleanUp } from './clean-up.ts';
import type { GeneratorNews, GeneratorTask, WorkloadName, WorkloadOrder } from './generator.ts';
import { EXTENSION } from './places.ts';
import type { Outcome } from './workloads/workload.ts';

const ENTRY = fileURLToPath(new URL(`./generator.${EXTENSION}`, import.meta.url));

/** The listener of a workload. */
export interface WorkloadListener {
  /** Everything is connected; the measurement begins when the promise resolves. */
  onReady(): Promise<void>;
  onProgress(done: number): void;
}

/** Units: `generatorCpuUs` µs of the generator's process since its start; `startedMs` Unix ms. */
export type WorkloadResult = {
  readonly outcome: Outcome;
  readonly generatorCpuUs: number;
  readonly startedMs: number;
};

/** Runs a workload to its end. Errors: rejects with the failure. */
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

const START_MS_MAX = 60_000;
/** The interval between attempts to connect, which limits the precision of the start time. */
const ATTEMPT_MS = 5;
/** A server that does not exit when asked is killed after this time. */
const EXIT_MS_MAX = 60_000;

export class ServerProcess {
  readonly pid: number;
  /** From the start until it accepts connections. */
  readonly startMs: number;

  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  private constructor(child: ChildProcess, pid: number, startMs: number) {
    this.#child = child;
    this.#exited = once(child, 'exit');
    this.pid = pid;
    this.startMs = startMs;
  }

  /**
   * Starts a server and waits until it accepts connections on `port`. Its log goes to stderr.
   * Errors: rejects if it cannot be started, exits, or does not accept connections within a minute.
   */
  static async start(
    words: readonly string[],
    port: number,
    cleanUp: CleanUp,
  ): Promise<ServerProcess> {
    const [program, ...rest] = words;
    const beginMs = performance.now();
    const child = spawn(program, rest, { stdio: ['ignore', 'ignore', 'inherit'] });
    const failure = Promise.withResolvers<never>();
    child.once('error', (cause) => {
      failure.reject(new Error(`start "${program}": ${cause.message}`, { cause }));
    });
    child.once('exit', (code, signal) => {
      failure.reject(new Error(`"${words.join(' ')}" ended with ${signal ?? code} at its start`));
    });
    // The exit at the end of a run is not a failure: nobody awaits it then.
    failure.promise.catch(() => undefined);
    const forget = cleanUp.add(() => child.kill('SIGKILL'));
    child.once('exit', forget);
    const given = new AbortController();
    try {
      const accepting = untilAccepting(port, beginMs + START_MS_MAX, given.signal);
      await Promise.race([accepting, failure.promise]);
    } finally {
      given.abort();
    }
    const { pid } = child;
    if (pid === undefined) throw new Error(`"${program}" has no process id`);
    return new ServerProcess(child, pid, performance.now() - beginMs);
  }

  /** Ends it as an operator does. Resolves with the time that took. Units: ms. */
  async end(): Promise<number> {
    const beginMs = performance.now();
    this.#child.kill('SIGTERM');
    const isLate = Symbol('late');
    const late = delay(EXIT_MS_MAX, isLate, { ref: false });
    if ((await Promise.race([this.#exited, late])) === isLate) {
      await this.kill();
      throw new Error(`the server has not ended ${EXIT_MS_MAX / 1000} s after SIGTERM`);
    }
    return performance.now() - beginMs;
  }

  /** Kills it if it is still running. */
  async kill(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGKILL');
      await this.#exited;
    }
  }
}

/** Different ports that are free now. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => net.createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  return servers.map((server) => {
    const address = server.address();
    server.close();
    if (address === null || typeof address === 'string') throw new Error('no port is free');
    return address.port;
  });
}

/** Resolves also if the result is no longer needed. */
async function untilAccepting(port: number, deadlineMs: number, given: AbortSignal): Promise<void> {
  while (!(await accepts(port)) && !given.aborted) {
    if (performance.now() > deadlineMs) {
      throw new Error(`the server accepts no connections on port ${port}`);
    }
    await delay(ATTEMPT_MS);
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = net.connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  } finally {
    socket.destroy();
  }
}
