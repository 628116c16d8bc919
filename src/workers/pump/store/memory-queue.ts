/**
 * A queue of messages in memory, kept as runs: consecutive positions of one slab with one tag.
 *
 * A batch of two hundred messages is one entry, and so is a stream of single ones. A tag is a number that the owner
 * stores with a message: in a topic the delay of a deferred publish, in a channel the attempts so far, for messages
 * fetched from disk HAS_DUE_TIME or 0.
 *
 * Shape: a ring of entries of three words: position, count, tag. Bound: none of its own; callers check `count` before
 * they put. The ring doubles when it is full and shrinks when it becomes empty.
 *
 * Seams: the simulator replaces `put` of an instance.
 * Thread: pump.
 */

import { assert } from '../../../shared/assert.ts';
import { isSlabStart } from './message-store.ts';

const ENTRY_WORDS = 3;
/** Shared by all empty queues: most queues are empty. */
const NO_ENTRIES = new Uint32Array(0);
const ENTRIES_AT_FIRST = 4;
/** The position of a run whose messages were removed. No store is so large that a message has it. */
const GAP = 0xffffffff;
/** A ring larger than this is freed when it becomes empty. */
const ENTRIES_KEPT = 1024;

export class MemoryQueue {
  /** Messages in the queue. */
  count = 0;
  /**
   * How many have left at the front, gaps included. So this is the number of the oldest message; the others are
   * numbered in order, and a message keeps its number while it is in the queue.
   */
  taken = 0;

  #entries = NO_ENTRIES;
  #capacity = 0;
  /** Index of the oldest run, and the number of runs. */
  #first = 0;
  #runs = 0;
  #gaps = 0;

  /** Adds a run at the end. */
  put(position: number, count: number, tag: number): void {
    assert(count > 0, 'a run has messages');
    this.count += count;
    if (this.#runs > 0 && this.#extendLast(position, count, tag)) return;
    if (this.#runs === this.#capacity) this.#grow();
    const at = ((this.#first + this.#runs) & (this.#capacity - 1)) * ENTRY_WORDS;
    this.#entries[at] = position;
    this.#entries[at + 1] = count;
    this.#entries[at + 2] = tag;
    this.#runs++;
  }

  /** First position of the oldest run. */
  get position(): number {
    return this.#entries[this.#first * ENTRY_WORDS];
  }

  /** Messages in the oldest run; 0 if the queue is empty. */
  get runCount(): number {
    return this.#runs === 0 ? 0 : this.#entries[this.#first * ENTRY_WORDS + 1];
  }

  /** Tag of the oldest run. */
  get tag(): number {
    return this.#entries[this.#first * ENTRY_WORDS + 2];
  }

  /** Removes messages from the oldest run. */
  take(count: number): void {
    const at = this.#first * ENTRY_WORDS;
    assert(count <= this.runCount, 'no more is taken than the oldest run holds');
    this.count -= count;
    this.taken += count;
    this.#entries[at] += count;
    this.#entries[at + 1] -= count;
    if (this.#entries[at + 1] > 0) return;
    this.#first = (this.#first + 1) & (this.#capacity - 1);
    this.#runs--;
    if (this.#gaps > 0) this.#passGaps();
    if (this.#runs === 0 && this.#capacity > ENTRIES_KEPT) this.#reset();
  }

  /** Calls `visit` with every run, oldest first. */
  forEach(visit: (position: number, count: number, tag: number) => void): void {
    for (let run = 0; run < this.#runs; run++) {
      const at = this.#wordAt(run);
      if (this.#entries[at] === GAP) continue;
      visit(this.#entries[at], this.#entries[at + 1], this.#entries[at + 2]);
    }
  }

  /**
   * Calls `visit` with each message from this number on, until it returns false. Returns the number after the last
   * one; -1 at the end of the queue.
   */
  visitFrom(from: number, visit: (position: number, tag: number) => boolean): number {
    let number = this.taken;
    for (let run = 0; run < this.#runs; run++) {
      const at = this.#wordAt(run);
      const position = this.#entries[at];
      const runCount = this.#entries[at + 1];
      const first = position === GAP ? runCount : Math.max(0, from - number);
      for (let index = first; index < runCount; index++) {
        if (!visit(position + index, this.#entries[at + 2])) return number + index + 1;
      }
      number += runCount;
    }
    return -1;
  }

  /** Removes messages anywhere. The others keep their numbers. */
  remove(positions: ReadonlySet<number>): void {
    let runs = 0;
    const entries = new Uint32Array(powerOfTwo(this.#runs + 2 * positions.size) * ENTRY_WORDS);
    const add = (position: number, count: number, tag: number): void => {
      if (count === 0) return;
      const last = (runs - 1) * ENTRY_WORDS;
      if (position === GAP && runs > 0 && entries[last] === GAP) entries[last + 1] += count;
      else entries.set([position, count, tag], runs++ * ENTRY_WORDS);
    };
    for (let run = 0; run < this.#runs; run++) {
      const at = this.#wordAt(run);
      const [position, count, tag] = this.#entries.subarray(at, at + ENTRY_WORDS);
      let start = 0;
      for (let index = 0; position !== GAP && index < count; index++) {
        if (!positions.has(position + index)) continue;
        add(position + start, index - start, tag);
        add(GAP, 1, 0);
        start = index + 1;
        this.count--;
      }
      add(position === GAP ? GAP : position + start, count - start, tag);
    }
    this.#entries = entries;
    this.#capacity = entries.length / ENTRY_WORDS;
    this.#first = 0;
    this.#runs = runs;
    this.#gaps = 0;
    for (let run = 0; run < runs; run++) if (entries[run * ENTRY_WORDS] === GAP) this.#gaps++;
    this.#passGaps();
    if (this.#runs === 0) this.#reset();
  }

  /** Calls `visit` with the last `count` messages, oldest first, as runs, and removes them. */
  takeLast(count: number, visit: (position: number, count: number, tag: number) => void): void {
    assert(count <= this.count, 'no more is taken than there is');
    let run = this.#runs;
    let rest = count;
    while (rest > 0) rest -= this.#countAt(--run);
    // The first of these runs keeps this many.
    let before = -rest;
    const kept = run + (before > 0 ? 1 : 0);
    for (; run < this.#runs; run++) {
      const at = this.#wordAt(run);
      const [position, runCount, tag] = this.#entries.subarray(at, at + ENTRY_WORDS);
      if (position === GAP) {
        this.#gaps--;
        continue;
      }
      if (before > 0) this.#entries[at + 1] = before;
      visit(position + before, runCount - before, tag);
      before = 0;
    }
    this.#runs = kept;
    this.count -= count;
    if (this.#runs === 0 && this.#capacity > ENTRIES_KEPT) this.#reset();
  }

  /** How many of the last messages take at most `bytesMax`, as `bytesOf` counts them; at least one. */
  countOfLast(bytesMax: number, bytesOf: (position: number, count: number) => number): number {
    let count = 0;
    let left = bytesMax;
    for (let run = this.#runs - 1; run >= 0; run--) {
      const at = this.#wordAt(run);
      const [position, runCount] = this.#entries.subarray(at, at + 2);
      if (position === GAP) continue;
      const bytes = bytesOf(position, runCount);
      if (bytes > left)
        return Math.max(1, count + this.#countInRun(position, runCount, left, bytesOf));
      left -= bytes;
      count += runCount;
    }
    return count;
  }

  /** How many of the last messages of a run fit. */
  #countInRun(
    position: number,
    runCount: number,
    bytesMax: number,
    bytesOf: (position: number, count: number) => number,
  ): number {
    let fits = 0;
    let tooMany = runCount;
    while (tooMany - fits > 1) {
      const count = (fits + tooMany) >>> 1;
      if (bytesOf(position + runCount - count, count) <= bytesMax) fits = count;
      else tooMany = count;
    }
    return fits;
  }

  /** Index of a run's entry, counted from the oldest. */
  #wordAt(run: number): number {
    return ((this.#first + run) & (this.#capacity - 1)) * ENTRY_WORDS;
  }

  /** Messages of a run; none in a gap. */
  #countAt(run: number): number {
    const at = this.#wordAt(run);
    return this.#entries[at] === GAP ? 0 : this.#entries[at + 1];
  }

  /** Drops gaps at the front. */
  #passGaps(): void {
    while (this.#runs > 0 && this.position === GAP) {
      this.taken += this.runCount;
      this.#first = (this.#first + 1) & (this.#capacity - 1);
      this.#runs--;
      this.#gaps--;
    }
  }

  #extendLast(position: number, count: number, tag: number): boolean {
    const at = ((this.#first + this.#runs - 1) & (this.#capacity - 1)) * ENTRY_WORDS;
    const entries = this.#entries;
    if (entries[at] + entries[at + 1] !== position || entries[at + 2] !== tag) return false;
    if (isSlabStart(position)) return false;
    entries[at + 1] += count;
    return true;
  }

  #grow(): void {
    const capacity = Math.max(ENTRIES_AT_FIRST, this.#capacity * 2);
    const entries = new Uint32Array(capacity * ENTRY_WORDS);
    const tail = this.#entries.subarray(this.#first * ENTRY_WORDS);
    entries.set(tail);
    entries.set(this.#entries.subarray(0, this.#first * ENTRY_WORDS), tail.length);
    this.#entries = entries;
    this.#capacity = capacity;
    this.#first = 0;
  }

  #reset(): void {
    this.#entries = NO_ENTRIES;
    this.#capacity = 0;
    this.#first = 0;
  }
}

/** The smallest power of two that is not smaller, and not smaller than a ring at first. */
function powerOfTwo(count: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(ENTRIES_AT_FIRST, count)));
}
