/**
 * Iterates over a RECORDS answer, record by record or run by run.
 *
 * Thread: pump.
 */

import type { RingReader } from '../../../shared/ring/ring.ts';
import {
  DUE_WORDS,
  RECORDS_COUNT,
  RECORDS_FIRST,
  RECORDS_HAS_DUE,
  RECORDS_WORDS,
} from '../../disk-records.ts';

const NO_WORDS = new Uint32Array(0);

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
