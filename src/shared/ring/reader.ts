/**
 * The reading end of a ring.
 *
 * `look` reads how much has been published; `front` and `pop` go through that, record by record; `release` returns the
 * room of all popped records with one store. A record's payload may be read until `release`.
 *
 * Thread: the one thread that consumes; it changes hands only while no thread uses the ring.
 */

import {
  HEAD_WORD,
  PADDING,
  RECORDS_OFFSET,
  RING_HEADER_BYTES,
  recordBytes,
  TAIL_WORD,
  WANTED_WORD,
} from './layout.ts';

/** Result of `front` when everything seen by `look` has been popped. */
export const EMPTY = 0;

export class RingReader {
  /** The records' memory as bytes. */
  readonly bytes: Buffer;
  /** The same memory as words; index = offset / 4. */
  readonly words: Uint32Array;
  readonly capacity: number;
  /** Offset in `bytes` of the front record's payload. */
  offset = 0;
  /** Bytes of the front record's payload. */
  length = 0;

  readonly #positions: Int32Array;
  /** Bytes ever popped. */
  #head: number;
  /** Bytes ever released. */
  #released: number;
  /** The writer's tail as last looked at. */
  #tail: number;

  constructor(memory: SharedArrayBuffer) {
    this.capacity = memory.byteLength - RECORDS_OFFSET;
    this.#positions = new Int32Array(memory, 0, RECORDS_OFFSET / 4);
    this.bytes = Buffer.from(memory, RECORDS_OFFSET, this.capacity);
    this.words = new Uint32Array(memory, RECORDS_OFFSET, this.capacity / 4);
    // Only this end writes the head, so this is the value that it wrote last.
    this.#head = Atomics.load(this.#positions, HEAD_WORD) >>> 0;
    this.#released = this.#head;
    this.#tail = this.#head;
  }

  /** Bytes ever popped, modulo 2^32; comparable with the writer's `position`. */
  get position(): number {
    return this.#head;
  }

  /** Reads how much has been published so far. Returns whether there is anything to pop. */
  look(): boolean {
    // Sees the writer's last publish, and with it every payload and header written before.
    this.#tail = Atomics.load(this.#positions, TAIL_WORD) >>> 0;
    return this.#tail !== this.#head;
  }

  /** The type of the oldest record not yet popped, its payload at `offset`; EMPTY when there is none. */
  front(): number {
    while (this.#head !== this.#tail) {
      const at = this.#head & (this.capacity - 1);
      const length = this.words[at >>> 2];
      const type = this.words[(at >>> 2) + 1];
      if (type !== PADDING) {
        this.offset = at + RING_HEADER_BYTES;
        this.length = length;
        return type;
      }
      this.#head = (this.#head + recordBytes(length)) >>> 0;
    }
    return EMPTY;
  }

  /** Moves past the record that `front` returned. */
  pop(): void {
    this.#head = (this.#head + recordBytes(this.length)) >>> 0;
  }

  /**
   * Returns the room of all popped records to the writer. The result tells whether the writer waits for room and now
   * has as much as it wants, so that its doorbell must be rung.
   */
  release(): boolean {
    if (this.#released === this.#head) return false;
    this.#released = this.#head;
    // Lets the writer overwrite what this end has read; all reads of those records happen before.
    Atomics.store(this.#positions, HEAD_WORD, this.#head | 0);
    // Ordered after the store: either the writer's next look sees the new head, or this sees what it wants.
    const wanted = Atomics.load(this.#positions, WANTED_WORD) >>> 0;
    if (wanted === 0) return false;
    // A writer that waits has shown everything that it has committed.
    const tail = Atomics.load(this.#positions, TAIL_WORD);
    return this.capacity - ((tail - this.#head) >>> 0) >= wanted;
  }
}
