/**
 * Hands records out once more that were handed out and are not finished: the pump has them no longer, since they were
 * to wait for long and its memory was full.
 *
 * Thread: disk.
 */

import { ATTEMPTS_OFFSET } from './disk-record.ts';
import type { HandedOut } from './handed-out.ts';
import type { NotesWriter } from './notes-writer.ts';
import type { RecoverySource } from './queue-recovery.ts';
import type { RecordNotes } from './record-notes.ts';
import type { ReadBatch } from './segment-reader.ts';
import { readUnfinished } from './unfinished-record.ts';

export class RecordRecall {
  readonly #source: RecoverySource;
  readonly #notes: RecordNotes;
  readonly #notesWriter: NotesWriter;
  readonly #handedOut: HandedOut;

  constructor(
    source: RecoverySource,
    notes: RecordNotes,
    notesWriter: NotesWriter,
    handedOut: HandedOut,
  ) {
    this.#source = source;
    this.#notes = notes;
    this.#notesWriter = notesWriter;
    this.#handedOut = handedOut;
  }

  /** Room for the first of so many records, and for those of the others that fit `bytesWanted` with it. */
  room(first: number, count: number, bytesWanted: number): number {
    let bytes = 0;
    for (let index = 0; index < count; index++) {
      const size = this.#handedOut.get((first + index) >>> 0)?.sizeBytes;
      if (size === undefined || (bytes > 0 && bytes + size > bytesWanted)) break;
      bytes += size;
    }
    return bytes;
  }

  /**
   * Reads the records that fit, with the attempts of their notes, up to one that is damaged. None: the first is.
   *
   * Shape: disk records, one after the other.
   * Errors: throws when a segment or notes cannot be read.
   */
  read(first: number, count: number, target: Uint8Array, offset: number, room: number): ReadBatch {
    let bytes = 0;
    let done = 0;
    while (done < count) {
      const record = this.#handedOut.get((first + done) >>> 0);
      if (record === undefined || bytes + record.sizeBytes > room) break;
      const dueMs = readUnfinished(this.#source, this.#notes, record, target, offset + bytes);
      if (dueMs === 'damaged') break;
      this.#setAttempts((first + done) >>> 0, target, offset + bytes);
      bytes += record.sizeBytes;
      done++;
    }
    return { count: done, bytes, first, dueTimes: undefined };
  }

  /** Where the disk did not take the note on a record, memory has it. */
  #setAttempts(number: number, target: Uint8Array, at: number): void {
    const attempts = this.#notesWriter.unwrittenAttempts(number);
    if (attempts === undefined) return;
    target[at + ATTEMPTS_OFFSET] = attempts >>> 8;
    target[at + ATTEMPTS_OFFSET + 1] = attempts & 0xff;
  }
}
