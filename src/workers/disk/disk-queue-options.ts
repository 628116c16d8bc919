/**
 * The dependencies that all queues of a disk thread share, and those that the parts of one queue share.
 *
 * Thread: disk.
 */

import type { DiskLog } from './files/disk-log.ts';
import type { FileSystem } from './files/file-system.ts';
import type { OpenFiles } from './files/open-files.ts';
import { QueueFiles } from './files/queue-files.ts';
import type { SegmentIndex } from './files/segment-index.ts';
import type { SidecarPatience } from './files/sidecar-patience.ts';
import type { QueueContext } from './queue-context.ts';
import { recordBytesMax } from './records/disk-record.ts';

/** What all queues of a disk thread share. */
export interface DiskQueueOptions {
  readonly fileSystem: FileSystem;
  readonly openFiles: OpenFiles;
  readonly index: SegmentIndex;
  readonly patience: SidecarPatience;
  readonly dataPath: string;
  readonly maxBytesPerFile: number;
  readonly maxMsgSize: number;
  /** Records appended or finished after which a sync is due. */
  readonly syncEvery: number;
}

/** What the parts of one queue share. */
export function contextOf(
  queueName: string,
  options: DiskQueueOptions,
  log: DiskLog,
): QueueContext {
  const { fileSystem, openFiles, index, patience, dataPath, maxMsgSize } = options;
  return {
    queueName,
    files: new QueueFiles(dataPath, queueName),
    ...{ fileSystem, openFiles, index, patience, dataPath },
    recordBytesMax: recordBytesMax(maxMsgSize),
    log: (level, text) => log(level, `DISKQUEUE(${queueName}): ${text}`),
  };
}
