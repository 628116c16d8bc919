/**
 * Pending outcomes of records that one disk queue has handed out, until they are sent to the disk thread: which are
 * finished, and the attempts and due times of those that wait.
 *
 * Bound: one run for each finished message, and about two updates for each that waits. While the request ring is
 * full, a message may be put back any number of times; only its last update counts.
 * Thread: pump.
 */

import { UPDATE_ENTRY_WORDS } from '../../disk-records.ts';
import type { DiskRequests } from './disk-requests.ts';

/** Words of updates that are kept before superseded ones are dropped. */
const UPDATES_KEPT = 4096;

export class RecordOutcomes {
  /** Runs of (first number, count). */
  #finished: number[] = [];
  /** Entries of (number, attempts, due time high, low). */
  #updates: number[] = [];
  /** The length of `#updates` at which superseded ones are dropped. */
  #updatesMax = UPDATES_KEPT;

  finish(number: number): void {
    const runs = this.#finished;
    const last = runs.length - 2;
    if (last >= 0 && (runs[last] + runs[last + 1]) >>> 0 === number) runs[last + 1]++;
    else runs.push(number, 1);
  }

  /** Units: `dueMs` Unix time in ms, 0 for at once. */
  update(number: number, attempts: number, dueMs: number): void {
    if (this.#updates.length >= this.#updatesMax) this.#dropSuperseded();
    this.#updates.push(number, attempts, Math.floor(dueMs / 2 ** 32), dueMs % 2 ** 32);
  }

  /** Sends everything to the disk thread. Returns false if the ring has no room for all. */
  send(requests: DiskRequests): boolean {
    if (this.#updates.length > 0 && !requests.update(this.#updates)) return false;
    return this.#finished.length === 0 || requests.finish(this.#finished);
  }

  /** Drops everything, because the records no longer exist. */
  clear(): void {
    this.#finished = [];
    this.#updates = [];
  }

  /** Keeps the last update of each record. */
  #dropSuperseded(): void {
    const updates = this.#updates;
    const last = new Map<number, number>();
    for (let at = 0; at < updates.length; at += UPDATE_ENTRY_WORDS) last.set(updates[at], at);
    this.#updates = [...last.values()].flatMap((at) => updates.slice(at, at + UPDATE_ENTRY_WORDS));
    this.#updatesMax = Math.max(UPDATES_KEPT, 2 * this.#updates.length);
  }
}
