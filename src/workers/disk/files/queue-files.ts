/**
 * The names of one disk queue's files.
 *
 * Shape: `<queue>.diskqueue.000003.dat` (segment 3), `<queue>.diskqueue.meta.dat`,
 * `<queue>.diskqueue.meta.dat.0.tmp` (metadata being written), `<segment>.bad` (a damaged segment, kept for the
 * operator). Beside them, in a hidden directory of all queues that nsqd ignores, are the sidecars
 * `<queue>.diskqueue.000003.notes` (states of the segment's records), `<queue>.diskqueue.000003.sums` (their checksums)
 * and `<queue>.diskqueue.meta.copy` (a copy of the metadata with a checksum).
 * Thread: disk.
 * Source: go-diskqueue `fileName`, `metaDataFileName`, without the sidecars. nsqd puts a random number before `.tmp`;
 * this uses the same file each time, so a crash leaves at most one behind, and the next sync removes it.
 */

import { join } from 'node:path';
import { SIDECAR_DIRECTORY } from '../../../shared/data-files.ts';

const FILE_NAME = /^(.+)\.diskqueue\.(\d{6,})\.(dat|notes|sums)$/;

/** The kinds of files that carry a segment's number. */
export type SegmentFileKind = 'dat' | 'notes' | 'sums';

/** The parts of a segment's file name. */
export interface SegmentFileName {
  /** The prefix of the queue's file names. */
  readonly prefix: string;
  readonly segment: number;
  readonly kind: SegmentFileKind;
}

export class QueueFiles {
  readonly metadata: string;
  readonly temporary: string;
  /** The prefix of the paths of all files of this queue, and of no other queue. */
  readonly prefix: string;
  /** The directory of the sidecars of all queues. It may not exist. */
  readonly sidecarDirectory: string;
  /** The prefix of the paths of all sidecars of this queue, and of no other queue. */
  readonly sidecarPrefix: string;
  readonly metadataCopy: string;

  /**
   * `platform` as in `process.platform`: Windows does not allow a colon in file names; nsqd uses a semicolon there.
   */
  constructor(dataPath: string, queueName: string, platform: string = process.platform) {
    this.prefix = join(dataPath, `${filePrefix(queueName, platform)}.diskqueue.`);
    this.metadata = `${this.prefix}meta.dat`;
    this.temporary = `${this.metadata}.0.tmp`;
    this.sidecarDirectory = sidecarDirectoryOf(dataPath);
    this.sidecarPrefix = join(
      this.sidecarDirectory,
      `${filePrefix(queueName, platform)}.diskqueue.`,
    );
    this.metadataCopy = `${this.sidecarPrefix}meta.copy`;
  }

  segment(number: number): string {
    return `${this.prefix}${segmentDigits(number)}.dat`;
  }

  states(number: number): string {
    return `${this.sidecarPrefix}${segmentDigits(number)}.notes`;
  }

  checksums(number: number): string {
    return `${this.sidecarPrefix}${segmentDigits(number)}.sums`;
  }

  damagedSegment(number: number): string {
    return `${this.segment(number)}.bad`;
  }
}

/** The prefix of a queue's file names. */
export function filePrefix(queueName: string, platform: string = process.platform): string {
  return platform === 'win32' ? queueName.replaceAll(':', ';') : queueName;
}

/** The directory of the sidecars of all queues in a data directory. */
export function sidecarDirectoryOf(dataPath: string): string {
  return join(dataPath, SIDECAR_DIRECTORY);
}

/** Parses the name of a segment or of one of its sidecars; undefined for any other file. */
export function parseSegmentName(fileName: string): SegmentFileName | undefined {
  const match = FILE_NAME.exec(fileName);
  if (match === null) return undefined;
  const segment = Number(match[2]);
  // A name such as 0000003 parses as a segment number but is not the name of that segment.
  if (!Number.isSafeInteger(segment) || segmentDigits(segment) !== match[2]) return undefined;
  return { prefix: match[1], segment, kind: match[3] as SegmentFileKind };
}

function segmentDigits(number: number): string {
  return String(number).padStart(6, '0');
}
