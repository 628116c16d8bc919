/**
 * How many records of a disk queue lie ahead of its reader. Some of them will be passed and not handed out: finished
 * ones, according to states from before the queue was opened, and moved ones.
 *
 * The total is as good as that of the metadata. Its division is an estimate, as states may be of other records.
 *
 * Units: records; bytes with size fields.
 * Thread: disk.
 */

export class UnreadCount {
  /** Records to be handed out. */
  #live: number;
  /** Records to be passed. */
  #dead: number;
  #deferred: number;
  #bytes: number;

  /** Of `records`, according to states, `finished` are finished and `deferred` have a due time. */
  constructor(records: number, finished: number, deferred: number, bytes: number) {
    this.#live = Math.max(0, records - finished);
    this.#dead = records - this.#live;
    this.#deferred = deferred;
    this.#bytes = bytes;
  }

  /** Records to be handed out. */
  get live(): number {
    return this.#live;
  }

  /** Records, whether they are to be handed out or not. */
  get all(): number {
    return this.#live + this.#dead;
  }

  /** How many of those to be handed out have a due time. */
  get deferred(): number {
    return Math.min(this.#live, this.#deferred);
  }

  /** Bytes of those to be handed out; finished ones count as long as they were not passed. */
  get bytes(): number {
    return this.#live === 0 ? 0 : this.#bytes;
  }

  onAppend(count: number, deferred: number, bytes: number): void {
    this.#live += count;
    this.#deferred += deferred;
    this.#bytes += bytes;
  }

  /** Records that were handed out lie at the end now. */
  onMove(count: number): void {
    this.#dead += count;
  }

  /** One of those was passed. */
  onMovedPassed(): void {
    this.onPassed(0);
  }

  onHandedOut(sizeBytes: number, isDeferred: boolean): void {
    if (this.#live > 0) this.#live--;
    else this.#dead = Math.max(0, this.#dead - 1);
    if (isDeferred) this.#deferred = Math.max(0, this.#deferred - 1);
    this.#onBytes(sizeBytes);
  }

  /** A record was passed because it is finished. */
  onPassed(sizeBytes: number): void {
    if (this.#dead > 0) this.#dead--;
    else this.#live = Math.max(0, this.#live - 1);
    this.#onBytes(sizeBytes);
  }

  /** A record was lost. */
  onLost(sizeBytes: number): void {
    this.onHandedOut(sizeBytes, false);
  }

  /** Records that were handed out, and lay here once more, were lost. */
  onMovedLost(count: number): void {
    const lost = Math.min(count, this.#dead);
    this.#dead -= lost;
    this.#live += lost;
  }

  /** There is at least one to be handed out, whatever the count says. */
  hasOne(): void {
    if (this.#live > 0) return;
    this.#live = 1;
    this.#dead = Math.max(0, this.#dead - 1);
  }

  /** Sets the total, which was counted again. */
  recount(records: number, bytes: number): void {
    this.#dead = Math.min(this.#dead, records);
    this.#live = records - this.#dead;
    this.#bytes = bytes;
  }

  /** There is none. Returns the count before, which was too large by that. */
  clear(): number {
    const { all } = this;
    this.#live = 0;
    this.#dead = 0;
    this.#deferred = 0;
    this.#bytes = 0;
    return all;
  }

  #onBytes(sizeBytes: number): void {
    this.#bytes = Math.max(0, this.#bytes - sizeBytes);
  }
}
