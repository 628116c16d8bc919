/**
 * What the answers of a disk thread say about a queue: its records, how many are unread, and errors.
 *
 * Thread: pump.
 */

import type { RingReader } from '../../../shared/ring/ring.ts';
import {
  ANSWER_DEFERRED,
  ANSWER_OK,
  ANSWER_UNREAD,
  ANSWER_UNREAD_BYTES,
  DUE_WORDS,
  RECORDS_COUNT,
  RECORDS_FIRST,
  RECORDS_HAS_DUE,
  RECORDS_WORDS,
} from '../../disk-records.ts';

const NO_WORDS = new Uint32Array(0);

/** Iterates over a RECORDS answer, record by record or run by run. */
export class RecordsAnswer {
  /** The number of remaining records; the offset and the number of the next one. */
  count = 0;
  at = 0;
  number = 0;

  #words: Uint32Array = NO_WORDS;
  /** Index of the next record's due time; 0 if there are none. */
  #due = 0;

  /** Opens the ring's front record. */
  open(answers: RingReader): void {
    const { words, offset, length } = answers;
    const at = offset >>> 2;
    this.#words = words;
    this.count = words[at + RECORDS_COUNT];
    this.number = words[at + RECORDS_FIRST];
    this.at = offset + RECORDS_WORDS * 4;
    const hasDue = words[at + RECORDS_HAS_DUE] === 1;
    this.#due = hasDue ? ((offset + length) >>> 2) - this.count * DUE_WORDS : 0;
  }

  /** Whether records have due times, 0 or others. */
  get hasDueTimes(): boolean {
    return this.#due > 0;
  }

  /** When the next record is due: Unix time in ms, 0 for at once. */
  get dueMs(): number {
    return this.dueMsOf(0);
  }

  /** When one of the next records is due, as `dueMs`. */
  dueMsOf(index: number): number {
    return this.#due === 0 ? 0 : this.#dueAt(index);
  }

  /** How many of the next consecutive records are due by then. */
  countDueAt(unixMs: number): number {
    if (this.#due === 0) return this.count;
    let count = 0;
    while (count < this.count && this.#dueAt(count) <= unixMs) count++;
    return count;
  }

  /** Moves past this many records. */
  take(count: number, bytes: number): void {
    this.count -= count;
    this.at += bytes;
    this.number = (this.number + count) >>> 0;
    if (this.#due > 0) this.#due += count * DUE_WORDS;
  }

  #dueAt(index: number): number {
    const at = this.#due + index * DUE_WORDS;
    return this.#words[at] * 2 ** 32 + this.#words[at + 1];
  }
}

/**
 * The unread records of a disk queue as of its last answer; none after it is emptied.
 *
 * Units: `bytes` with size fields.
 */
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
