/**
 * Records that a disk queue has handed out: records of one segment with consecutive numbers. Each takes fifteen
 * bytes.
 *
 * Units: positions and sizes in bytes, sizes with the size field.
 * Thread: disk.
 */

/** The record is unacked. */
const UNACKED = 0;
/** It is finished, and its state is not written. */
const FINISHED = 1;
/** It is finished, and its state is written. */
const WRITTEN = 2;

/** Most records of a chunk, the unit of allocation. */
const RECORDS_MAX = 512;
const RECORDS_MIN = 16;
const SKIPPED_MAX = 0xffff;
/** Words of a record: offset from the chunk's first, size, checksum. */
const WORDS = 3;
const SIZE = 1;
const CHECKSUM = 2;

export class UnackedChunk {
  /** Number of the first record, never wrapped. */
  readonly first: number;
  readonly segment: number;
  /** How many records it has, how many of those are unacked, and the bytes of the unacked ones. */
  count = 0;
  unacked = 0;
  unackedBytes = 0;
  /** How many finished records have no written state. */
  unwritten = 0;

  readonly #position: number;
  readonly #ordinal: number;
  #words = new Uint32Array(RECORDS_MIN * WORDS);
  /** For each record, how many records between it and the first were skipped. */
  #skipped = new Uint16Array(RECORDS_MIN);
  #states = new Uint8Array(RECORDS_MIN);
  /** No record before this index is unacked. */
  #oldest = 0;

  /** A chunk whose first record has this number and place, and `ordinal` records of the queue before it. */
  constructor(first: number, segment: number, position: number, ordinal: number) {
    this.first = first;
    this.segment = segment;
    this.#position = position;
    this.#ordinal = ordinal;
  }

  /** Whether the next record fits into this chunk. */
  fits(segment: number, position: number, ordinal: number): boolean {
    return (
      segment === this.segment &&
      this.count < RECORDS_MAX &&
      position - this.#position < 2 ** 32 &&
      ordinal - this.#ordinal - this.count <= SKIPPED_MAX
    );
  }

  add(position: number, sizeBytes: number, checksum: number, ordinal: number): void {
    const index = this.count;
    if (index === this.#states.length) this.#grow();
    this.#words[index * WORDS] = position - this.#position;
    this.#words[index * WORDS + SIZE] = sizeBytes;
    this.#words[index * WORDS + CHECKSUM] = checksum;
    this.#skipped[index] = ordinal - this.#ordinal - index;
    this.#states[index] = UNACKED;
    this.count++;
    this.unacked++;
    this.unackedBytes += sizeBytes;
  }

  isUnacked(index: number): boolean {
    return this.#states[index] === UNACKED;
  }

  finish(index: number): void {
    this.#states[index] = FINISHED;
    this.unacked--;
    this.unackedBytes -= this.sizeBytes(index);
    this.unwritten++;
  }

  /** Whether the record is finished and its state is not written. */
  isUnwritten(index: number): boolean {
    return this.#states[index] === FINISHED;
  }

  /** The states of finished records are written or no longer needed. */
  onStatesWritten(): void {
    for (let index = 0; index < this.count; index++) {
      if (this.#states[index] === FINISHED) this.#states[index] = WRITTEN;
    }
    this.unwritten = 0;
  }

  position(index: number): number {
    return this.#position + this.#words[index * WORDS];
  }

  sizeBytes(index: number): number {
    return this.#words[index * WORDS + SIZE];
  }

  checksum(index: number): number {
    return this.#words[index * WORDS + CHECKSUM];
  }

  /** How many records of the queue were passed before this one since the queue was opened. */
  ordinal(index: number): number {
    return this.#ordinal + index + this.#skipped[index];
  }

  /** The index of the oldest unacked record. Requires that there is one. */
  oldest(): number {
    while (this.#states[this.#oldest] !== UNACKED) this.#oldest++;
    return this.#oldest;
  }

  #grow(): void {
    const length = this.#states.length * 2;
    const words = new Uint32Array(length * WORDS);
    words.set(this.#words);
    this.#words = words;
    const skipped = new Uint16Array(length);
    skipped.set(this.#skipped);
    this.#skipped = skipped;
    const states = new Uint8Array(length);
    states.set(this.#states);
    this.#states = states;
  }
}
