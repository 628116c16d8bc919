/**
 * Messages that wait to be written to one disk queue, in order, with the receipts that wait for them.
 *
 * Thread: pump.
 */

import { assert } from '../../../shared/assert.ts';
import { MemoryQueue } from '../store/memory-queue.ts';
import type { Receipt } from './receipt.ts';

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
