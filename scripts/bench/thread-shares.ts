/**
 * How much of the CPU time each thread of a broker has used.
 *
 * The main thread has the process's id. Node gives all worker threads the same name, so pump and disk threads are told
 * apart by the order in which they start: pump threads first. The time of V8's helper threads, which collect garbage
 * and compile for all threads, and of libuv's pool cannot be attributed to one of them; it counts as "other threads".
 */

import type { ThreadTime } from '../kit/proc.ts';
import type { Figures } from './report/metrics.ts';

/** Node's name of a worker thread. */
const WORKER_NAME = 'WorkerThread';
/** From µs per ms to percent. */
const PERCENT = 0.1;

/** How many threads of each kind the broker has. */
export type WorkerCounts = { readonly pumps: number; readonly disks: number };

/** The work between two readings of the threads. */
export type ThreadSpan = {
  readonly pid: number;
  readonly before: readonly ThreadTime[];
  readonly after: readonly ThreadTime[];
  readonly elapsedMs: number;
  /** The divisor of the CPU time. */
  readonly count: number;
};

/** The main thread's share. */
export function mainFigures(span: ThreadSpan): Figures {
  const mainUs = sum(usesOf(span).filter(({ id }) => id === span.pid));
  return { mainCpuUs: mainUs / span.count, mainBusy: (mainUs / span.elapsedMs) * PERCENT };
}

/** The share of every kind; only the main thread's if the others cannot be told apart. */
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

/** The threads that exist at the end, each with its CPU time in between. */
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
