/**
 * A topic's or channel's waiting messages as plain lists of keys: those in memory, and those given to the
 * disk queue by the two ways there are. Each list is first in, first out.
 *
 * Thread: any.
 */

import assert from 'node:assert/strict';

/** How a disk queue got a message: accepted before, or its publisher waits for the write. */
export type Lane = 'kept' | 'refusable';

/** Where a message was found, and those before it that are gone because they were sampled out. */
export type Taken = { readonly isFromMemory: boolean; readonly skipped: readonly number[] };

export class QueueModel {
  readonly memory: number[] = [];
  readonly kept: number[] = [];
  readonly refusable: number[] = [];
  /** Whether the disk lists are in order: failed writes are tried again behind others. */
  readonly #isDiskOrdered: boolean;

  constructor(isDiskOrdered: boolean) {
    this.#isDiskOrdered = isDiskOrdered;
  }

  get count(): number {
    return this.memory.length + this.kept.length + this.refusable.length;
  }

  put(keys: readonly number[]): void {
    this.memory.push(...keys);
  }

  /** What was put has gone on to the backend. */
  toBackend(keys: readonly number[], lane: Lane): void {
    for (const key of keys) {
      const index = this.memory.lastIndexOf(key);
      assert.ok(index >= 0, `message ${key} goes to the backend from memory`);
      this.memory.splice(index, 1);
    }
    this[lane].push(...keys);
  }

  /** A message has left the queue in its turn. Up to `skipMax` messages before it may have been sampled out. */
  take(key: number, skipMax: number): Taken {
    for (const list of [this.memory, this.kept, this.refusable]) {
      if (list[0] !== key) continue;
      list.shift();
      return { isFromMemory: list === this.memory, skipped: [] };
    }
    for (const list of [this.memory, this.kept, this.refusable]) {
      const index = list.indexOf(key);
      if (index < 0) continue;
      const isFromMemory = list === this.memory;
      if (!isFromMemory && !this.#isDiskOrdered) {
        list.splice(index, 1);
        return { isFromMemory, skipped: [] };
      }
      assert.ok(index <= skipMax, `message ${key} leaves the queue ${index} places too early`);
      const skipped = list.splice(0, index);
      list.shift();
      return { isFromMemory, skipped };
    }
    assert.fail(`message ${key} leaves a queue that it is not in`);
  }

  /** Removes a message wherever it is. */
  drop(key: number): void {
    for (const list of [this.memory, this.kept, this.refusable]) {
      const index = list.indexOf(key);
      if (index >= 0) list.splice(index, 1);
    }
  }

  clear(): void {
    this.memory.length = 0;
    this.kept.length = 0;
    this.refusable.length = 0;
  }

  /** Goes on with what another one has left on disk. */
  adopt(other: QueueModel): void {
    this.kept.push(...other.kept);
    this.refusable.push(...other.refusable);
  }
}
