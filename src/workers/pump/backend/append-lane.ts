/**
 * Messages on their way to a disk queue, and who waits for them: lanes of messages that are not written, in order, with
 * their receipts, and writes that are not yet on stable storage.
 *
 * Thread: pump.
 */

import { assert } from '../../../shared/assert.ts';
import { MemoryQueue } from '../store/memory-queue.ts';

/** Waits until messages are written or on stable storage, across any number of queues and writes. */
export class Receipt {
  /**
   * Whether a failed write is final: the messages are dropped and the publisher gets an error. Otherwise they were
   * accepted before, and the write is retried until it succeeds.
   */
  readonly isRefusable: boolean;
  /** Whether it waits for stable storage. */
  readonly isSynced: boolean;
  /** Why some of the messages are not on disk, or null. */
  error: string | null = null;

  readonly #onSettled: (receipt: Receipt) => void;
  /** Messages not yet written or refused; one more until `seal`. */
  #remaining = 1;

  constructor(isRefusable: boolean, onSettled: (receipt: Receipt) => void, isSynced = false) {
    this.isRefusable = isRefusable;
    this.isSynced = isSynced;
    this.#onSettled = onSettled;
  }

  /** More messages to wait for. */
  expect(count: number): void {
    this.#remaining += count;
  }

  /** Messages that were written, or refused with an error. */
  settle(count: number, error: string | null): void {
    if (error !== null) this.error = error;
    this.#remaining -= count;
    assert(this.#remaining >= 0, 'a receipt settles what was expected');
    if (this.#remaining === 0) this.#onSettled(this);
  }

  /** No more messages will be added. */
  seal(): void {
    this.settle(1, null);
  }
}

/** Messages of a write that share a receipt and a due time (Unix time in ms, 0 for at once). */
export type AppendPart = { receipt: Receipt | null; count: number; dueMs: number };

/** Whether somebody waits until they are on stable storage. */
export function isSynced({ receipt }: AppendPart): boolean {
  return receipt?.isSynced === true;
}

/** Reports the outcome of all parts of a write to those who wait. */
export function settleParts(parts: readonly AppendPart[], error: string | null): void {
  for (const { receipt, count } of parts) receipt?.settle(count, error);
}

export class AppendLane {
  /** Whether a failed write drops its messages with an error; otherwise they are kept and retried. */
  readonly isRefusable: boolean;
  /** The messages; the tag of a run is its attempts. */
  readonly runs = new MemoryQueue();

  #parts: AppendPart[] = [];
  #dueCount = 0;

  constructor(isRefusable: boolean) {
    this.isRefusable = isRefusable;
  }

  put(
    position: number,
    count: number,
    attempts: number,
    dueMs: number,
    receipt: Receipt | null,
  ): void {
    this.runs.put(position, count, attempts);
    if (dueMs > 0) this.#dueCount += count;
    const last = this.#parts.at(-1);
    if (last !== undefined && last.receipt === receipt && last.dueMs === dueMs) last.count += count;
    else this.#parts.push({ receipt, count, dueMs });
  }

  /** Whether some of the messages have a due time. */
  get hasDueTimes(): boolean {
    return this.#dueCount > 0;
  }

  /** The messages and their parts; see `visitRuns`. */
  get parts(): readonly AppendPart[] {
    return this.#parts;
  }

  /** Clears all due times. Returns how many messages had one. */
  forgetDueTimes(): number {
    const count = this.#dueCount;
    for (const part of this.#parts) part.dueMs = 0;
    this.#dueCount = 0;
    return count;
  }

  /** Removes and returns the parts that the first `count` messages belong to. */
  takeParts(count: number): AppendPart[] {
    const taken: AppendPart[] = [];
    let rest = count;
    let whole = 0;
    while (rest > 0) {
      const part = this.#parts[whole];
      assert(part !== undefined, 'every message belongs to a part');
      if (part.count > rest) {
        part.count -= rest;
        taken.push({ ...part, count: rest });
        break;
      }
      taken.push(part);
      rest -= part.count;
      whole++;
    }
    this.#parts.splice(0, whole);
    for (const part of taken) if (part.dueMs > 0) this.#dueCount -= part.count;
    return taken;
  }
}

/**
 * Calls `visit` with each message of runs with these parts from this number on, until it returns false. `first` is the
 * number of the oldest. Returns the number after the last message; -1 at the end.
 */
export function visitRuns(
  runs: MemoryQueue,
  parts: readonly AppendPart[],
  first: number,
  from: number,
  visit: (position: number, attempts: number, dueMs: number) => boolean,
): number {
  let part = 0;
  let partEnd = first + (parts[0]?.count ?? 0);
  let number = first;
  const next = runs.visitFrom(runs.taken, (position, attempts) => {
    while (number >= partEnd) partEnd += parts[++part].count;
    number++;
    return number <= from || visit(position, attempts, parts[part].dueMs);
  });
  return next < 0 ? -1 : number;
}

/**
 * Completed writes of all queues of a link for which somebody waits until they are on stable storage, oldest first.
 *
 * Bound: that of messages on their way to the disk, since each write waits at most until the disk thread's next sync.
 */
export class PendingCommits {
  #writes: (readonly AppendPart[])[] = [];

  get count(): number {
    return this.#writes.length;
  }

  /** The parts of a write that was answered. */
  expect(parts: readonly AppendPart[]): void {
    this.#writes.push(parts);
  }

  /** The oldest writes are on stable storage, or with an error they are not. */
  onCommitted(count: number, error: string | null): void {
    assert(count <= this.#writes.length, 'what is committed was written');
    const done = this.#writes.splice(0, count);
    for (const parts of done) settleParts(parts, error);
  }
}
