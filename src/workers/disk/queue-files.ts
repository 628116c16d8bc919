/**
 * The names of one disk queue's files.
 *
 * Shape: `<queue>.diskqueue.000003.dat` (segment 3), `<queue>.diskqueue.meta.dat`,
 * `<queue>.diskqueue.meta.dat.0.tmp` (metadata being written), `<segment>.bad` (a damaged segment, kept for the
 * operator).
 * Thread: disk.
 * Source: behaviour §8.1. nsqd puts a random number before `.tmp`; here one file is used again and again, so a
 * crash leaves at most one behind and the next sync takes it away.
 */

import { join } from 'node:path';

const SEGMENT_NAME = /^(.+)\.diskqueue\.(\d{6,})\.dat$/;

export class QueueFiles {
  readonly metadata: string;
  readonly temporary: string;
  /** What the paths of all files of the queue begin with, and of no other queue's. */
  readonly prefix: string;

  /** `platform` as in `process.platform`: Windows has no colon in file names, and nsqd writes a semicolon there. */
  constructor(dataPath: string, queueName: string, platform: string = process.platform) {
    this.prefix = join(dataPath, `${filePrefix(queueName, platform)}.diskqueue.`);
    this.metadata = `${this.prefix}meta.dat`;
    this.temporary = `${this.metadata}.0.tmp`;
  }

  segment(number: number): string {
    return `${this.prefix}${String(number).padStart(6, '0')}.dat`;
  }

  damagedSegment(number: number): string {
    return `${this.segment(number)}.bad`;
  }
}

/** What the file names of a queue begin with. */
export function filePrefix(queueName: string, platform: string = process.platform): string {
  return platform === 'win32' ? queueName.replaceAll(':', ';') : queueName;
}

/** Splits a segment's file name into what it begins with and its number; undefined for any other file. */
export function parseSegmentName(
  fileName: string,
): { readonly prefix: string; readonly segment: number } | undefined {
  const match = SEGMENT_NAME.exec(fileName);
  if (match === null) return undefined;
  const segment = Number(match[2]);
  // A name such as 0000003 reads as a segment number but is not how that segment is called.
  if (!Number.isSafeInteger(segment) || String(segment).padStart(6, '0') !== match[2])
    return undefined;
  return { prefix: match[1], segment };
}
