/**
 * How many files and sockets the process may have open, and how many of them are left to clients.
 *
 * Thread: main, at start-up.
 */

import type { Options } from '../options/options.ts';

/** Listeners, nsqd.dat, peers, what the runtime opens for itself; HTTP beyond the bound, and clients being refused. */
const OWN_DESCRIPTORS = 160;
/** Measured: five for each worker thread. */
const THREAD_DESCRIPTORS = 8;
/** A disk thread keeps 256 files open, and opens some more for moments. */
const DISK_DESCRIPTORS = 320;
/** Where there are very few, clients get half of them. */
const RESERVE_SHARE_MAX = 1 / 2;

/**
 * Reads the limit of this process. Node has raised the soft limit to the hard one when it started.
 *
 * Errors: undefined where there is no limit, or the platform does not tell.
 */
export function descriptorLimit(): number | undefined {
  // Node's types do not know of it yet.
  const report: typeof process.report & { excludeNetwork?: boolean } = process.report;
  const wasExcluded = report.excludeNetwork ?? false;
  // Otherwise the report looks up the names of all addresses.
  report.excludeNetwork = true;
  const limit = openFilesLimit(report.getReport());
  report.excludeNetwork = wasExcluded;
  return limit;
}

/** The limit of open files in a diagnostic report; it is missing on Windows, and may be `unlimited`. */
export function openFilesLimit(report: unknown): number | undefined {
  const limits = field(report, 'userLimits');
  const limit = Number(field(field(limits, 'open_files'), 'soft'));
  return Number.isSafeInteger(limit) && limit > 0 ? limit : undefined;
}

/**
 * How many connections of clients there can be, and a line for the log when these are fewer than what was asked for.
 * Units: `limit` in descriptors, undefined for none; the answer is infinite for no bound.
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

function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  // Any object may be asked for any name.
  return (value as Readonly<Record<string, unknown>>)[name];
}
