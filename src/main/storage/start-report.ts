/**
 * The log lines at the start: what the broker found and which bounds apply.
 *
 * Thread: main, at the start.
 */

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { formatRfc3339 } from '../../daemon/go/go-text.ts';
import { roughSize } from '../../daemon/options/byte-size.ts';
import { productLine, versionLine } from '../../daemon/version.ts';
import { parseQueueFileName } from '../../shared/data-files.ts';
import { describeMemory, machineMemoryBytes, memoryBudget } from '../limits/memory-budget.ts';
import type { Options } from '../options/options.ts';
import type { BrokerStats } from '../stats/stats.ts';

/** The data files of all queues. Units: `sinceMs` is the Unix time at which the oldest was created. */
export type StoredFiles = {
  readonly count: number;
  readonly bytes: number;
  readonly sinceMs: number;
};

/** Examines each data file once. A file that disappears meanwhile does not count. */
export function storedFiles(dataPath: string): StoredFiles {
  let count = 0;
  let bytes = 0;
  let sinceMs = Number.POSITIVE_INFINITY;
  for (const name of readdirSync(dataPath)) {
    if (parseQueueFileName(name)?.kind !== 'segment') continue;
    const stats = statSync(join(dataPath, name), { throwIfNoEntry: false });
    if (stats === undefined) continue;
    count += 1;
    bytes += stats.size;
    // Not every file system records when a file was created.
    sinceMs = Math.min(sinceMs, stats.birthtimeMs > 0 ? stats.birthtimeMs : stats.mtimeMs);
  }
  return { count, bytes, sinceMs };
}

/** The data path and its contents. */
export function foundText(place: string, stats: BrokerStats, files: StoredFiles): string {
  const topics = stats.topics ?? [];
  const channels = topics.flatMap((topic) => topic.channels);
  let messages = 0;
  for (const { depth } of [...topics, ...channels]) messages += depth;
  const found = `${counted(topics.length, 'topic')}, ${counted(channels.length, 'channel')}`;
  const inFiles =
    files.count === 0
      ? 'no data files'
      : `${roughSize(files.bytes)} in ${counted(files.count, 'data file')} since ${formatRfc3339(files.sinceMs)}`;
  return `${place}: ${found}, ${counted(messages, 'message')}, ${inFiles}`;
}

/** The program and its version. Source: nsqd logs the last two. */
export function identityLines({ nodeId }: Pick<Options, 'nodeId'>): string[] {
  return [productLine(), versionLine(), `ID: ${nodeId}`];
}

/** The bounds on memory and queues, and the number of threads. */
export function resourceLines(options: Options): string[] {
  const machineBytes = machineMemoryBytes();
  const { totalBytes, pumpBytes } = memoryBudget(options, machineBytes);
  const ofPump = `${roughSize(pumpBytes)} for the messages of each pump thread`;
  const bound =
    totalBytes === undefined
      ? 'no bound (--max-memory=0)'
      : `at most ${roughSize(totalBytes)} (${describeMemory(options, machineBytes)}), of it ${ofPump}`;
  const { memQueueSize, maxBytesPerFile, pumpThreads, diskThreads } = options;
  return [
    `memory: ${bound}`,
    `queues: ${memQueueSize} messages of each in memory, others in files of ${roughSize(maxBytesPerFile)}`,
    `threads: main, ${counted(pumpThreads, 'pump thread')}, ${counted(diskThreads, 'disk thread')}`,
  ];
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
