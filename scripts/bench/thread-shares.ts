/**
 * Which of a broker's threads has taken how much of the CPU time.
 *
 * The main thread has the process's id. Node gives all its worker threads one name, so pump and disk threads are told
 * apart by the order in which they start: pump threads first. The time of V8's helpers, which collect garbage and
 * compile for all threads, and of libuv's pool cannot be put down to any one of them; it is that of "other threads".
 */

import type { ThreadTime } from '../kit/proc.ts';
import type { Figures } from './report/metrics.ts';

/** What Node calls a worker thread. */
const WORKER_NAME = 'WorkerThread';
/** From µs per ms to percent. */
const PERCENT = 0.1;

/** How many threads of each kind the broker has. */
export type WorkerCounts = { readonly pumps: number; readonly disks: number };

/** What was done between two looks at the threads. */
export type ThreadSpan = {
  readonly pid: number;
  readonly before: readonly ThreadTime[];
  readonly after: readonly ThreadTime[];
  readonly elapsedMs: number;
  /** Of what the CPU time is divided by. */
  readonly count: number;
};

/** The main thread's part. */
export function mainFigures(span: ThreadSpan): Figures {
  const mainUs = sum(usesOf(span).filter(({ id }) => id === span.pid));
  return { mainCpuUs: mainUs / span.count, mainBusy: (mainUs / span.elapsedMs) * PERCENT };
}

/** Every kind's part; only the main thread's where the others cannot be told apart. */
export function threadFigures(span: ThreadSpan, { pumps, disks }: WorkerCounts): Figures {
  const uses = usesOf(span);
  const workers = uses
    .filter(({ name, id }) => name === WORKER_NAME && id !== span.pid)
    .sort((a, b) => a.startTicks - b.startTicks || a.id - b.id);
  const main = mainFigures(span);
  if (workers.length !== pumps + disks) return main;
  const pumpUses = workers.slice(0, pumps);
  const diskUses = workers.slice(pumps);
  const others = uses.filter((use) => use.id !== span.pid && !workers.includes(use));
  const busy = ({ cpuUs }: ThreadTime): number => (cpuUs / span.elapsedMs) * PERCENT;
  return {
    ...main,
    pumpCpuUs: sum(pumpUses) / span.count,
    pumpBusyMost: Math.max(...pumpUses.map(busy)),
    pumpBusyLeast: Math.min(...pumpUses.map(busy)),
    diskCpuUs: sum(diskUses) / span.count,
    diskBusyMost: Math.max(...diskUses.map(busy)),
    diskBusyLeast: Math.min(...diskUses.map(busy)),
    otherCpuUs: sum(others) / span.count,
  };
}

/** The threads that are there at the end, each with its CPU time in between. */
function usesOf({ before, after }: ThreadSpan): ThreadTime[] {
  const earlier = new Map(before.map(({ id, cpuUs }) => [id, cpuUs]));
  return after.map((thread) => ({
    ...thread,
    cpuUs: thread.cpuUs - (earlier.get(thread.id) ?? 0),
  }));
}

function sum(threads: readonly ThreadTime[]): number {
  return threads.reduce((total, { cpuUs }) => total + cpuUs, 0);
}
