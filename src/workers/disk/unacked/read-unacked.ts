/**
 * Reads an unacked record again, to hand it out or to move it.
 *
 * Thread: disk.
 */

import { LOG_ERROR } from '../files/disk-log.ts';
import type { QueueContext } from '../queue-context.ts';
import { dataViewOf, RECORD_ATTEMPTS_OFFSET, recordChecksum } from '../records/disk-record.ts';
import type { RecordStates } from '../states/record-states.ts';
import type { UnackedRecord } from './unacked-records.ts';

/**
 * Reads a record to `at`, with the attempts of its state, and returns its due time. Damage is logged.
 *
 * Errors: throws if the segment or the states cannot be read.
 */
export function readUnacked(
  source: QueueContext,
  states: RecordStates,
  record: UnackedRecord,
  bytes: Uint8Array,
  at: number,
): number | 'damaged' {
  const { segment, position, sizeBytes, checksum } = record;
  const path = source.files.segment(segment);
  const got = source.openFiles.read(path, bytes, at, sizeBytes, position);
  const isSame =
    got === sizeBytes && recordChecksum(bytes, dataViewOf(bytes), at, at + sizeBytes) === checksum;
  if (!isSame) {
    source.log(
      LOG_ERROR,
      `segment ${segment}: the record at ${position} has changed since it was read`,
    );
    return 'damaged';
  }
  if (!states.find(segment, position) || states.checksum !== checksum) return 0;
  bytes[at + RECORD_ATTEMPTS_OFFSET] = states.attempts >>> 8;
  bytes[at + RECORD_ATTEMPTS_OFFSET + 1] = states.attempts & 0xff;
  return states.dueMs;
}
