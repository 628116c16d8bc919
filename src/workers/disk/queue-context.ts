/**
 * What all parts of one disk queue share: its name, its files, and its log.
 *
 * Thread: disk.
 */

import type { DiskLog } from './files/disk-log.ts';
import type { FileSystem } from './files/file-system.ts';
import type { OpenFiles } from './files/open-files.ts';
import type { QueueFiles } from './files/queue-files.ts';
import type { SegmentIndex } from './files/segment-index.ts';
import type { SidecarPatience } from './files/sidecar-patience.ts';

export interface QueueContext {
  readonly queueName: string;
  readonly files: QueueFiles;
  readonly fileSystem: FileSystem;
  readonly openFiles: OpenFiles;
  readonly index: SegmentIndex;
  readonly patience: SidecarPatience;
  readonly dataPath: string;
  /** Bytes of the largest record, size field included. */
  readonly recordBytesMax: number;
  readonly log: DiskLog;
}
