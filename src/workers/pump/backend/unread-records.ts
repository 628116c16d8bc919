/**
 * The unread records of a disk queue as of its last answer; none after it is emptied.
 *
 * Units: `bytes` with size fields.
 * Thread: pump.
 */

import type { RingReader } from '../../../shared/ring/ring.ts';
import {
  ANSWER_DEFERRED,
  ANSWER_OK,
  ANSWER_UNREAD,
  ANSWER_UNREAD_BYTES,
} from '../../disk-records.ts';

export class UnreadRecords {
  count = 0;
  bytes = 0;
  /** How many of them have a due time. */
  deferredCount = 0;

  /** Reads the counts from any answer: the ring's front record. */
  update({ words, offset }: RingReader): void {
    const at = offset >>> 2;
    this.count = words[at + ANSWER_UNREAD] * 2 ** 32 + words[at + ANSWER_UNREAD + 1];
    this.bytes = words[at + ANSWER_UNREAD_BYTES] * 2 ** 32 + words[at + ANSWER_UNREAD_BYTES + 1];
    this.deferredCount = words[at + ANSWER_DEFERRED];
  }

  clear(): void {
    this.count = 0;
    this.bytes = 0;
    this.deferredCount = 0;
  }
}

/** The error in an answer with this many words, or null. */
export function answerError(
  { words, bytes, offset, length }: RingReader,
  fields: number,
): string | null {
  if (words[(offset >>> 2) + ANSWER_OK] === 1) return null;
  return bytes.toString('utf8', offset + fields * 4, offset + length);
}
