/**
 * A topic's or channel's messages as plain lists of keys: those that wait in memory, those given to the disk queue by
 * the two ways there are, and those on disk whose time had not come. Each list is first in, first out; what an
 * earlier life has left is in no order.
 *
 * Thread: any.
 */

import assert from 'node:assert/strict';

/** How a disk queue got a message: accepted before, or its publisher waits for the write. */
export type Lane = 'kept' | 'refusable';

/** The place of a message, and the messages before it that are gone because they were sampled out. */
export type Taken = { readonly isFromMemory: boolean; readonly skipped: readonly number[] };

export class QueueModel {
  readonly memory: number[] = [];
  readonly kept: number[] = [];
  readonly refusable: number[] = [];
  /** On disk and to be read at any time, in no order. */
  readonly unordered = new Set<number>();
  /** On disk or on their way there, with a due time, and not read. */
  readonly later = new Set<number>();
  /** Given to the disk queue, and not gone. */
  readonly onDisk = new Set<number>();
  /** Whether the disk lists are in order: failed writes are tried again behind others. */
  readonly #isDiskOrdered: boolean;

  constructor(isDiskOrdered: boolean) {
    this.#isDiskOrdered = isDiskOrdered;
  }

  /** Waiting messages, except those with a due time. */
  get count(): number {
    return this.memory.length + this.kept.length + this.refusable.length + this.unordered.size;
  }

  putInMemory(keys: readonly number[]): void {
    this.memory.push(...keys);
  }

  /** The backend has got messages, from wherever they were. */
  toBackend(keys: readonly number[], lane: Lane, isLater: boolean): void {
    for (const key of keys) {
      const index = this.memory.lastIndexOf(key);
      if (index >= 0) this.memory.splice(index, 1);
      this.onDisk.add(key);
      if (isLater) this.later.add(key);
      else this[lane].push(key);
    }
  }

  /** It was read from disk: before its time, so that it waits elsewhere now, or with those that can be taken. */
  onRead(key: number, isLater: boolean): void {
    if (this.later.delete(key)) {
      if (!isLater) this.unordered.add(key);
      return;
    }
    assert.ok(!isLater, `message ${key} has no due time on disk`);
  }

  /** It is only on disk from now on, whether it was in memory before or not, and is read again at any time. */
  reread(key: number): void {
    const index = this.memory.lastIndexOf(key);
    if (index >= 0) this.memory.splice(index, 1);
    this.unordered.add(key);
  }

  /** A message has left the queue in its turn. Up to `skipMax` messages before it may have been sampled out. */
  take(key: number, skipMax: number): Taken {
    if (this.unordered.delete(key)) return { isFromMemory: false, skipped: [] };
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

  /** Removes a message from any place. */
  drop(key: number): void {
    for (const list of [this.memory, this.kept, this.refusable]) {
      const index = list.indexOf(key);
      if (index >= 0) list.splice(index, 1);
    }
    this.unordered.delete(key);
    this.later.delete(key);
    this.onDisk.delete(key);
  }

  clear(): void {
    this.memory.length = 0;
    this.kept.length = 0;
    this.refusable.length = 0;
    this.unordered.clear();
    this.later.clear();
    this.onDisk.clear();
  }

  /** Continues with what another one has left on disk. */
  adopt(other: QueueModel): void {
    for (const list of [other.kept, other.refusable, other.unordered]) {
      for (const key of list) this.unordered.add(key);
    }
    for (const key of other.later) this.later.add(key);
    for (const key of other.onDisk) this.onDisk.add(key);
  }
}
