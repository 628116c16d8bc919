/**
 * How many records of a disk queue lie ahead of its reader. Some of them will be skipped: records that are finished
 * according to states from before the queue was opened, and moved ones.
 *
 * The total is as accurate as that of the metadata. Its division is an estimate, since states may belong to other
 * records.
 *
 * Units: records; bytes with size fields.
 * Thread: disk.
 */

export class UnreadCount {
  /** Records to be handed out. */
  #live: number;
  /** Records to be skipped. */
  #dead: number;
  #deferred: number;
  #bytes: number;

  /** According to states, `finished` of the `records` are finished and `deferred` have a due time. */
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

  /** All records, to be handed out or skipped. */
  get all(): number {
    return this.#live + this.#dead;
  }

  /** How many records to be handed out have a due time. */
  get deferred(): number {
    return Math.min(this.#live, this.#deferred);
  }

  /** Bytes of the records to be handed out, including finished ones that were not skipped yet. */
  get bytes(): number {
    return this.#live === 0 ? 0 : this.#bytes;
  }

  onAppend(count: number, deferred: number, bytes: number): void {
    this.#live += count;
    this.#deferred += deferred;
    this.#bytes += bytes;
  }

  /** Records that were handed out have moved to the end. */
  onMove(count: number): void {
    this.#dead += count;
  }

  /** A moved record was skipped. */
  onMovedPassed(): void {
    this.onPassed(0);
  }

  onRead(sizeBytes: number, isDeferred: boolean): void {
    if (this.#live > 0) this.#live--;
    else this.#dead = Math.max(0, this.#dead - 1);
    if (isDeferred) this.#deferred = Math.max(0, this.#deferred - 1);
    this.#onBytes(sizeBytes);
  }

  /** A record was finished before it was handed out: it will be skipped. */
  onFinished(isDeferred: boolean): void {
    if (this.#live > 0) this.#live--;
    this.#dead++;
    if (isDeferred) this.#deferred = Math.max(0, this.#deferred - 1);
  }

  /** A record got another due time, or none, before it was handed out. */
  onDueChanged(wasDeferred: boolean, isDeferred: boolean): void {
    this.#deferred = Math.max(0, this.#deferred + Number(isDeferred) - Number(wasDeferred));
  }

  /** A finished record was skipped. */
  onPassed(sizeBytes: number): void {
    if (this.#dead > 0) this.#dead--;
    else this.#live = Math.max(0, this.#live - 1);
    this.#onBytes(sizeBytes);
  }

  /** A record was lost. */
  onLost(sizeBytes: number): void {
    this.onRead(sizeBytes, false);
  }

  /** Moved records, which were handed out before, were lost. */
  onMovedLost(count: number): void {
    const lost = Math.min(count, this.#dead);
    this.#dead -= lost;
    this.#live += lost;
  }

  /** Ensures a count of at least one record to be handed out. */
  hasOne(): void {
    if (this.#live > 0) return;
    this.#live = 1;
    this.#dead = Math.max(0, this.#dead - 1);
  }

  /** Sets the total to a new count. */
  recount(records: number, bytes: number): void {
    this.#dead = Math.min(this.#dead, records);
    this.#live = records - this.#dead;
    this.#bytes = bytes;
  }

  /** Sets the count to zero. Returns the previous count, which was the error. */
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
