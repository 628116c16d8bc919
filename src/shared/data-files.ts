/**
 * Names in a data directory that main and the disk threads share: main manages the directory, the disk threads the
 * files of their queues.
 *
 * Thread: any.
 */

/** Name of the directory, in the data directory, for what nsqd's files cannot express. nsqd ignores it. */
export const SIDECAR_DIRECTORY = '.ringmq';

/** Name of the file that a disk thread writes and removes to test whether the disk takes writes. */
export const PROBE_FILE = 'probe';

/** The same, in the data directory itself, where the directory for it cannot be used. */
export const OUTER_PROBE_FILE = '.ringmq.probe';

const QUEUE_FILE = /^(.+)\.diskqueue\.(\d{6,}|meta)\.dat$/;

/** A file of a disk queue, by its name. */
export type QueueFileName = {
  /** What the names of all files of the queue begin with. */
  readonly prefix: string;
  readonly kind: 'segment' | 'metadata';
};

/** What the name of a queue's data or metadata file says; undefined for any other file. */
export function parseQueueFileName(name: string): QueueFileName | undefined {
  const match = QUEUE_FILE.exec(name);
  if (match === null) return undefined;
  return { prefix: match[1], kind: match[2] === 'meta' ? 'metadata' : 'segment' };
}
