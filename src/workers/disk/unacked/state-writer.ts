/**
 * Writes notes on records that were handed out: at once what is to be known of those that wait, and with each sync
 * which of them are finished behind others that are not.
 *
 * Bound: notes that cannot be written are kept until a sync or the queue's end, one for each record.
 * Thread: disk.
 */

import { type DiskLog, LOG_ERROR, LOG_WARNING } from '../files/disk-log.ts';
import { errorText } from '../files/file-error.ts';
import type { QueuePlace } from '../files/queue-place.ts';
import type { RecordNotes } from '../states/record-states.ts';
import { NoteList } from '../states/state-list.ts';
import type { HandedOut } from './unacked-records.ts';

/** Whether a sync fails when notes cannot be written: at the end they may be given up, as records need none. */
export type NotesAtSync = 'required' | 'optional';

/** What a note says of a record that waits. */
interface WaitingNote {
  readonly attempts: number;
  readonly dueMs: number;
}

/** One for the thread: notes are written without interruption. */
const list = new NoteList();

export class NotesWriter {
  readonly #notes: RecordNotes;
  readonly #handedOut: HandedOut;
  readonly #log: DiskLog;
  /** Notes that could not be written yet, by the numbers of their records. */
  readonly #failed = new Map<number, WaitingNote>();

  constructor(notes: RecordNotes, handedOut: HandedOut, log: DiskLog) {
    this.#notes = notes;
    this.#handedOut = handedOut;
    this.#log = log;
  }

  /** Writes a note on a record that waits. Errors: logged; `writeAll` tries again. */
  note(number: number, attempts: number, dueMs: number): void {
    try {
      this.#write(number, attempts, dueMs);
      this.#failed.delete(number);
    } catch (error) {
      const text = errorText(error);
      if (this.#failed.size === 0) {
        this.#log(LOG_WARNING, `failed to write a note, trying again later - ${text}`);
      }
      this.#failed.set(number, { attempts, dueMs });
    }
  }

  /** The attempts of a record, if their note could not be written yet. */
  unwrittenAttempts(number: number): number | undefined {
    return this.#failed.get(number)?.attempts;
  }

  /**
   * Makes everything durable that is to be known of records behind the oldest.
   *
   * Errors: throws if notes are required, and may be tried again. Otherwise logged: records then come at once, with
   * fewer attempts, and finished ones may come again.
   */
  sync(oldest: QueuePlace, notes: NotesAtSync): void {
    try {
      this.#writeAll(oldest);
      this.#notes.sync();
    } catch (error) {
      if (notes === 'required') throw error;
      this.#log(LOG_ERROR, `due times and attempts are not all kept - ${errorText(error)}`);
    }
  }

  /** All records are gone. */
  clear(): void {
    this.#failed.clear();
  }

  /** Writes what only memory knows. */
  #writeAll(oldest: QueuePlace): void {
    for (const [number, { attempts, dueMs }] of this.#failed) {
      this.#write(number, attempts, dueMs);
      this.#failed.delete(number);
    }
    for (const segment of this.#handedOut.unnotedSegments(oldest)) {
      list.clear();
      this.#handedOut.listUnnoted(segment, oldest, list);
      this.#notes.write(segment, list);
      list.clear();
      this.#handedOut.listUnnotedMoved(segment, oldest, list);
      this.#notes.write(segment, list);
    }
    this.#handedOut.onNoted();
  }

  #write(number: number, attempts: number, dueMs: number): void {
    const record = this.#handedOut.get(number);
    if (record === undefined) return;
    list.clear();
    list.addWaiting(record.position, attempts, dueMs, record.checksum);
    this.#notes.write(record.segment, list);
  }
}
