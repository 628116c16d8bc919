/**
 * How many of the process's descriptors are left for clients.
 *
 * Thread: main, at start-up.
 */

import type { Options } from '../options/options.ts';

/** Listeners, nsqd.dat, peers, the runtime's own files, additional HTTP connections, and clients being refused. */
const OWN_DESCRIPTORS = 160;
/** Measured: five for each worker thread. */
const THREAD_DESCRIPTORS = 8;
/** A disk thread keeps 256 files open, and briefly opens some more. */
const DISK_DESCRIPTORS = 320;
/** If there are very few, clients get half of them. */
const RESERVE_SHARE_MAX = 1 / 2;

/**
 * The maximum number of client connections, and a log line if it is lower than requested.
 * Units: `limit` in descriptors, undefined for none; the result is infinite without a bound.
 */
export function connectionsMax(
  options: Pick<Options, 'maxConnections' | 'pumpThreads' | 'diskThreads'>,
  limit: number | undefined,
): { readonly max: number; readonly warning: string | undefined } {
  const { maxConnections, pumpThreads, diskThreads } = options;
  const asked = maxConnections === 0 ? Number.POSITIVE_INFINITY : maxConnections;
  if (limit === undefined) return { max: asked, warning: undefined };
  const reserve =
    OWN_DESCRIPTORS +
    (pumpThreads + diskThreads) * THREAD_DESCRIPTORS +
    diskThreads * DISK_DESCRIPTORS;
  const possible = limit - Math.min(reserve, Math.ceil(limit * RESERVE_SHARE_MAX));
  if (asked <= possible) return { max: asked, warning: undefined };
  const warning =
    maxConnections === 0
      ? undefined
      : `--max-connections=${maxConnections} cannot be reached: ` +
        `of ${limit} descriptors ${possible} are left to clients`;
  return { max: possible, warning };
}
