/**
 * A queue of messages in memory, kept as runs: consecutive positions of one segment with one detail.
 *
 * A batch of two hundred messages is one entry here, and so is a stream of single ones. The detail is what a
 * place adds to a message: in a topic the delay of a deferred publish, in a channel the attempts so far, among messages
 * that were read ahead HAS_DUE_TIME or nothing.
 *
 * Shape: a ring of entries of three words: position, count, detail. Bound: none of its own; whoever puts
 * asks for `count` first. The ring doubles when it is full and shrinks when it has emptied.
 *
 * Thread: pump.
 */

import { assert } from '../../../shared/assert.ts';
import { isSegmentStart } from './message-store.ts';

const ENTRY_WORDS = 3;
/** One for all: most of many queues are empty. */
const NO_ENTRIES = new Uint32Array(0);
const ENTRIES_AT_FIRST = 4;
/** An emptied ring larger than this is given back. */
const ENTRIES_KEPT = 1024;

export class MemoryQueue {
  /** Messages in the queue. */
  count = 0;

  #entries = NO_ENTRIES;
  #capacity = 0;
  /** Index of the oldest run, and the number of runs. */
  #first = 0;
  #runs = 0;

  /** Puts a run behind all others. */
  put(position: number, count: number, detail: number): void {
    assert(count > 0, 'a run has messages');
    this.count += count;
    if (this.#runs > 0 && this.#extendLast(position, count, detail)) return;
    if (this.#runs === this.#capacity) this.#grow();
    const at = ((this.#first + this.#runs) & (this.#capacity - 1)) * ENTRY_WORDS;
    this.#entries[at] = position;
    this.#entries[at + 1] = count;
    this.#entries[at + 2] = detail;
    this.#runs++;
  }

  /** First position of the oldest run. */
  get position(): number {
    return this.#entries[this.#first * ENTRY_WORDS];
  }

  /** Messages in the oldest run; 0 when the queue is empty. */
  get runCount(): number {
    return this.#runs === 0 ? 0 : this.#entries[this.#first * ENTRY_WORDS + 1];
  }

  /** Detail of the oldest run. */
  get detail(): number {
    return this.#entries[this.#first * ENTRY_WORDS + 2];
  }

  /** Takes messages off the oldest run. */
  take(count: number): void {
    const at = this.#first * ENTRY_WORDS;
    assert(count <= this.runCount, 'no more is taken than the oldest run holds');
    this.count -= count;
    this.#entries[at] += count;
    this.#entries[at + 1] -= count;
    if (this.#entries[at + 1] > 0) return;
    this.#first = (this.#first + 1) & (this.#capacity - 1);
    this.#runs--;
    if (this.#runs === 0 && this.#capacity > ENTRIES_KEPT) this.#reset();
  }

  #extendLast(position: number, count: number, detail: number): boolean {
    const at = ((this.#first + this.#runs - 1) & (this.#capacity - 1)) * ENTRY_WORDS;
    const entries = this.#entries;
    if (entries[at] + entries[at + 1] !== position || entries[at + 2] !== detail) return false;
    if (isSegmentStart(position)) return false;
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
