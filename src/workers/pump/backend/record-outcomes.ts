/**
 * What became of records that one disk queue has handed out, until the disk thread is told: finished ones, and what
 * is to be known of those that wait.
 *
 * Bound: one run for each message that is finished, and about two notes for each that waits: while the request ring has
 * no room, a message may be put back any number of times, and of its notes only the last one counts.
 * Thread: pump.
 */

import { NOTE_ENTRY_WORDS } from '../../disk-records.ts';
import type { DiskRequests } from './disk-requests.ts';

/** So many words of notes are kept before old ones are looked for. */
const NOTES_KEPT = 4096;

export class RecordOutcomes {
  /** Runs of (first number, count). */
  #finished: number[] = [];
  /** Entries of (number, attempts, due time high, low). */
  #notes: number[] = [];
  /** How long `#notes` may become before superseded ones are dropped. */
  #notesMax = NOTES_KEPT;

  finish(number: number): void {
    const runs = this.#finished;
    const last = runs.length - 2;
    if (last >= 0 && (runs[last] + runs[last + 1]) >>> 0 === number) runs[last + 1]++;
    else runs.push(number, 1);
  }

  /** Units: `dueMs` Unix time in ms, 0 for at once. */
  note(number: number, attempts: number, dueMs: number): void {
    if (this.#notes.length >= this.#notesMax) this.#dropSuperseded();
    this.#notes.push(number, attempts, Math.floor(dueMs / 2 ** 32), dueMs % 2 ** 32);
  }

  /** Tells the disk thread. Returns false when the ring has no room for all. */
  send(requests: DiskRequests): boolean {
    if (this.#notes.length > 0 && !requests.note(this.#notes)) return false;
    return this.#finished.length === 0 || requests.finish(this.#finished);
  }

  /** Forgets everything: there are no such records any longer. */
  clear(): void {
    this.#finished = [];
    this.#notes = [];
  }

  /** Keeps the last note of each record. */
  #dropSuperseded(): void {
    const notes = this.#notes;
    const last = new Map<number, number>();
    for (let at = 0; at < notes.length; at += NOTE_ENTRY_WORDS) last.set(notes[at], at);
    this.#notes = [...last.values()].flatMap((at) => notes.slice(at, at + NOTE_ENTRY_WORDS));
    this.#notesMax = Math.max(NOTES_KEPT, 2 * this.#notes.length);
  }
}
