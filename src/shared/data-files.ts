/**
 * File names in the data directory that main and the disk threads share: main manages the directory, and the disk
 * threads manage the files of their queues.
 *
 * Thread: any.
 */

/** Name of the subdirectory for what nsqd's files cannot express. nsqd ignores it. */
export const SIDECAR_DIRECTORY = '.ringmq';

/** Name of the file that a disk thread writes and removes to test whether the disk is writable. */
export const PROBE_FILE = 'probe';

/** The same, in the data directory itself, for when the subdirectory cannot be used. */
export const OUTER_PROBE_FILE = '.ringmq.probe';

/** Name of the file, in that directory, that keeps the policies that were set at run time. */
export const POLICIES_FILE = 'policies.json';

/** The file in that directory in which a clean shutdown keeps what topics with `deduplicate` have seen. */
export const SEEN_FILE = 'seen.json';

const QUEUE_FILE = /^(.+)\.diskqueue\.(\d{6,}|meta)\.dat$/;

/** The name of a disk queue's file, parsed. */
export type QueueFileName = {
  /** The common prefix of the names of the queue's files. */
  readonly prefix: string;
  readonly kind: 'segment' | 'metadata';
};

/** Parses the name of a queue's data or metadata file; undefined for any other file. */
export function parseQueueFileName(name: string): QueueFileName | undefined {
  const match = QUEUE_FILE.exec(name);
  if (match === null) return undefined;
  return { prefix: match[1], kind: match[2] === 'meta' ? 'metadata' : 'segment' };
}
