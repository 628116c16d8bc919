/**
 * Counts the records of segments when metadata does not tell their number. It reads whole files, so only recovery
 * uses it.
 *
 * Thread: disk.
 */

import type { OpenFiles } from '../files/open-files.ts';
import { hasMessageId, RECORD_BYTES_MIN, recordSize } from '../records/disk-record.ts';

export interface SegmentCount {
  /** Whole records with a valid size and id. */
  readonly count: number;
  /** The first position that is not the start of a whole record: the end of the segment, if nothing is damaged. */
  readonly end: number;
}

/**
 * Counts the records between two positions of a segment. A record with an invalid id does not count, since the reader
 * skips it too. An impossible size ends the count.
 *
 * Errors: throws if the file cannot be read. A missing file has no records.
 */
export function countRecords(
  openFiles: OpenFiles,
  path: string,
  from: number,
  to: number,
  bytesMax: number,
): SegmentCount {
  const chunk = openFiles.scratch.records;
  let count = 0;
  let position = from;
  let chunkStart = from;
  let chunkLength = 0;
  while (position + RECORD_BYTES_MIN <= to) {
    if (position + RECORD_BYTES_MIN > chunkStart + chunkLength) {
      const length = openFiles.read(
        path,
        chunk,
        0,
        Math.min(chunk.length, to - position),
        position,
      );
      chunkStart = position;
      chunkLength = length === 'missing' ? 0 : length;
      if (chunkLength < RECORD_BYTES_MIN) break;
    }
    const at = position - chunkStart;
    const size = recordSize(chunk, at, bytesMax);
    if (size === 0 || position + size > to) break;
    if (hasMessageId(chunk, at)) count++;
    position += size;
  }
  return { count, end: position };
}
