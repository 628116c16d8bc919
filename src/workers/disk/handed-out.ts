/**
 * The records of one disk queue that were read and not yet released, oldest first: where they lie, so that the
 * read position can move over them. Four bytes for a record, one object for a run of records that follow each
 * other in a segment; nothing while there are none.
 *
 * Units: positions and sizes in bytes, sizes with the size field.
 * Thread: disk.
 */

import { assert } from '../../shared/assert.ts';

interface Run {
  readonly segment: number;
  /** Where the oldest record of the run begins. */
  position: number;
  count: number;
}

const NONE = new Uint32Array(0);
const SIZES_MIN = 64;

export class HandedOut {
  /** A ring of sizes, a power of two long. */
  #sizes = NONE;
  /** Index of the oldest size. */
  #first = 0;
  #count = 0;
  #runs: Run[] = [];
  /** Index of the oldest run. */
  #firstRun = 0;

  get count(): number {
    return this.#count;
  }

  /** Where the oldest record lies; undefined if there is none. */
  get oldest(): { readonly segment: number; readonly position: number } | undefined {
    return this.#runs[this.#firstRun];
  }

  /** Begins a run: the records added next lie one after the other from here on. */
  startRun(segment: number, position: number): void {
    const last = this.#runs.at(-1);
    assert(last === undefined || last.count > 0, 'a run is not empty when the next one begins');
    this.#runs.push({ segment, position, count: 0 });
  }

  add(sizeBytes: number): void {
    if (this.#count === this.#sizes.length) this.#grow();
    this.#sizes[(this.#first + this.#count) & (this.#sizes.length - 1)] = sizeBytes;
    this.#count++;
    this.#runs[this.#runs.length - 1].count++;
  }

  /** Takes the last run back if nothing was added to it. */
  endRun(): void {
    if (this.#runs[this.#runs.length - 1].count === 0) this.#runs.pop();
  }

  /** Takes the oldest records away. */
  release(count: number): void {
    assert(count <= this.#count, 'only what was read is released');
    let left = count;
    while (left > 0) left -= this.#releaseFromRun(this.#runs[this.#firstRun], left);
    if (this.#count === 0) this.clear();
  }

  clear(): void {
    this.#sizes = NONE;
    this.#first = 0;
    this.#count = 0;
    this.#runs = [];
    this.#firstRun = 0;
  }

  /** Takes up to `wanted` records from the oldest run; returns how many. */
  #releaseFromRun(run: Run, wanted: number): number {
    const count = Math.min(wanted, run.count);
    const mask = this.#sizes.length - 1;
    if (count === run.count) this.#dropRun();
    else {
      for (let index = 0; index < count; index++) {
        run.position += this.#sizes[(this.#first + index) & mask];
      }
      run.count -= count;
    }
    this.#first = (this.#first + count) & mask;
    this.#count -= count;
    return count;
  }

  #dropRun(): void {
    this.#firstRun++;
    if (this.#firstRun < 64 || this.#firstRun * 2 < this.#runs.length) return;
    this.#runs = this.#runs.slice(this.#firstRun);
    this.#firstRun = 0;
  }

  #grow(): void {
    const sizes = new Uint32Array(Math.max(SIZES_MIN, this.#sizes.length * 2));
    const toEnd = this.#sizes.subarray(this.#first);
    sizes.set(toEnd);
    sizes.set(this.#sizes.subarray(0, this.#first), toEnd.length);
    this.#sizes = sizes;
    this.#first = 0;
  }
}
