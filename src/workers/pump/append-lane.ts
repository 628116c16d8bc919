/**
 * Messages that wait to be written to one disk queue, in order, and who waits for them.
 *
 * Thread: pump.
 */

import { assert } from '../../shared/assert.ts';
import { MemoryQueue } from './memory-queue.ts';
import type { Receipt } from './receipt.ts';

/** Some messages of a write, and who waits for them. */
export type AppendPart = { receipt: Receipt | null; count: number };

export class AppendLane {
  /** What is written when it cannot be: false keeps it and tries again, true drops it and says so. */
  readonly isRefusable: boolean;
  /** The messages; the detail of a run is its attempts. */
  readonly runs = new MemoryQueue();

  #parts: AppendPart[] = [];

  constructor(isRefusable: boolean) {
    this.isRefusable = isRefusable;
  }

  put(position: number, count: number, attempts: number, receipt: Receipt | null): void {
    this.runs.put(position, count, attempts);
    const last = this.#parts.at(-1);
    if (last !== undefined && last.receipt === receipt) last.count += count;
    else this.#parts.push({ receipt, count });
  }

  /** The parts that the first `count` messages belong to, taken off. */
  takeParts(count: number): AppendPart[] {
    const taken: AppendPart[] = [];
    let rest = count;
    let whole = 0;
    while (rest > 0) {
      const part = this.#parts[whole];
      assert(part !== undefined, 'every message belongs to a part');
      if (part.count > rest) {
        part.count -= rest;
        taken.push({ receipt: part.receipt, count: rest });
        break;
      }
      taken.push(part);
      rest -= part.count;
      whole++;
    }
    this.#parts.splice(0, whole);
    return taken;
  }
}
