/**
 * Counts the changes of a queue since its last sync, and decides whether a sync is due.
 *
 * Thread: disk.
 */

import type { Safekeeping } from './journal/group-commit.ts';

export class UnsyncedChanges {
  readonly #syncEvery: number;
  /** Records appended, finished or updated since the last sync, without those in the journal. */
  #operations = 0;
  /** Whether records were appended since then that are in the journal. */
  #hasJournaled = false;
  #isDue = false;

  /** `syncEvery`: operations after which a sync is due. */
  constructor(syncEvery: number) {
    this.#syncEvery = syncEvery;
  }

  /** Whether a sync is due now, before the sync timeout. */
  get isDue(): boolean {
    return this.#isDue;
  }

  /**
   * Whether a sync is wanted after the sync timeout: records that are also in the journal can wait until it is full.
   */
  get isWanted(): boolean {
    return this.#isDue || this.#operations > 0;
  }

  /** Whether there is anything to sync. */
  get isThere(): boolean {
    return this.isWanted || this.#hasJournaled;
  }

  /** The next turn syncs. */
  makeDue(): void {
    this.#isDue = true;
  }

  count(operations: number): void {
    this.#operations += operations;
    if (this.#operations >= this.#syncEvery) this.#isDue = true;
  }

  onAppend(records: number, safekeeping: Safekeeping): void {
    if (safekeeping === 'next sync') this.count(records);
    else this.#hasJournaled = true;
  }

  /** Everything is durable. `isMore`: the next sync nevertheless has work. */
  onSynced(isMore: boolean): void {
    this.#operations = isMore ? 1 : 0;
    this.#hasJournaled = false;
    this.#isDue = false;
  }

  /** A sync has failed; the next is due now or after the sync timeout. */
  onFailed(isDue: boolean): void {
    this.#operations = Math.max(this.#operations, 1);
    this.#isDue = isDue;
  }
}
