/**
 * Loaded into a broker before its own code (`--import`). On a message from its parent it begins to observe the main
 * thread, and on the next one it reports its figures. While it observes turns, the event loop never sleeps, so CPU time
 * is measured in separate periods.
 */

import { PerformanceObserver } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

/** The parent's request. */
export type ProbeRequest = 'cpu' | 'turns' | 'tell';
/** The figures since then. Units: ms, of the main thread. */
export type ProbeReport = {
  readonly cpuMs: number;
  readonly longestTurnMs: number;
  readonly collectionMs: number;
};

const US_PER_MS = 1000;

let isWatching = false;
let longestTurnMs = 0;
let collectionMs = 0;
let startUs = 0;

function cpuUs(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

/** One callback in each turn of the event loop. */
function watch(lastMs: number): void {
  if (!isWatching) return;
  const nowMs = performance.now();
  longestTurnMs = Math.max(longestTurnMs, nowMs - lastMs);
  setImmediate(watch, nowMs);
}

function onRequest(request: ProbeRequest): void {
  if (request === 'tell') {
    const cpuMs = (cpuUs() - startUs) / US_PER_MS;
    isWatching = false;
    // Collections are reported in a turn of their own.
    setImmediate(() => {
      const report: ProbeReport = { cpuMs, longestTurnMs, collectionMs };
      process.send?.(report);
    });
    return;
  }
  longestTurnMs = 0;
  collectionMs = 0;
  isWatching = request === 'turns';
  process.send?.('watching');
  setImmediate(() => {
    startUs = cpuUs();
    watch(performance.now());
  });
}

if (isMainThread && process.send !== undefined) {
  process.on('message', onRequest);
  process.channel?.unref();
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) collectionMs += duration;
  }).observe({ entryTypes: ['gc'] });
}
