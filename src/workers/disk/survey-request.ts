/**
 * Answers a pump's request for a survey of a disk queue.
 *
 * Thread: disk.
 */

import { rethrowBug } from '../../shared/assert.ts';
import { decodeControl, encodeControl } from '../../shared/control.ts';
import type { DiskSurvey } from '../../shared/message-survey.ts';
import { QUEUE_WORDS, SURVEYED } from '../disk-records.ts';
import type { DiskQueue } from './disk-queue.ts';
import { errorWithCauses } from './files/file-error.ts';
import type { KnownQueue } from './known-queues.ts';
import { FACTS_BYTES, RESULT_BYTES } from './queue-survey.ts';

/** Returns the bytes that were read; -1 if the answer has no room. `opened` opens the queue's files if needed. */
export function answerSurvey(
  known: KnownQueue,
  opened: () => DiskQueue,
  recordBytesMax: number,
): number {
  const { link, number } = known;
  const { bytes, offset, length } = link.requests;
  const survey = decodeControl<DiskSurvey>(
    bytes.subarray(offset + QUEUE_WORDS * 4, offset + length),
  );
  const bodyMax = Math.min(survey.bodyMax, recordBytesMax);
  const besides = bodyMax + 2 * FACTS_BYTES;
  const room = Math.min(RESULT_BYTES + besides, link.recordsBytesMax(false));
  if (!link.claimRecords(room, 0, false)) return -1;
  try {
    const queue = opened();
    const result = encodeControl(queue.survey.run(survey, Math.max(1, room - besides)));
    link.answerSurvey(number, queue, result);
    return queue.survey.scannedBytes;
  } catch (error) {
    rethrowBug(error);
    link.answer(SURVEYED, number, known.queue, errorWithCauses(error));
    return 0;
  }
}
