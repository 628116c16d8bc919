/**
 * Numbers of one thread for others to read: the thread writes all of them at once, now and then, and a reader gets
 * numbers of a single writing.
 *
 * Shape: a count of writings, which is odd while one is under way, and the numbers from the eighth byte on.
 * Thread: the writer's end its owner, the reader's any.
 */

const COUNT_WORD = 0;
const NUMBERS_OFFSET = 8;
/** How often the reader tries before it returns the previous numbers: the writer may be suspended while it writes. */
const READS_MAX = 8;

/** Allocates a board of this many numbers, all 0. */
export function allocateBoard(length: number): SharedArrayBuffer {
  return new SharedArrayBuffer(NUMBERS_OFFSET + length * Float64Array.BYTES_PER_ELEMENT);
}

/** The end that writes. */
export class BoardWriter {
  readonly #count: Int32Array;
  readonly #numbers: Float64Array;

  constructor(memory: SharedArrayBuffer) {
    this.#count = new Int32Array(memory, 0, 1);
    this.#numbers = new Float64Array(memory, NUMBERS_OFFSET);
  }

  /** How many numbers there are. */
  get length(): number {
    return this.#numbers.length;
  }

  /** Shows these numbers. */
  write(numbers: Float64Array): void {
    // From here on a reader might see numbers of two writings.
    Atomics.add(this.#count, COUNT_WORD, 1);
    this.#numbers.set(numbers);
    // Publishes the numbers.
    Atomics.add(this.#count, COUNT_WORD, 1);
  }
}

/** The end that reads. */
export class BoardReader {
  readonly #count: Int32Array;
  readonly #numbers: Float64Array;
  #last: Float64Array;

  constructor(memory: SharedArrayBuffer) {
    this.#count = new Int32Array(memory, 0, 1);
    this.#numbers = new Float64Array(memory, NUMBERS_OFFSET);
    this.#last = new Float64Array(this.#numbers.length);
  }

  /** The numbers of one writing: the last one, or the one read before if the writer does not finish. */
  read(): Float64Array {
    for (let reads = 0; reads < READS_MAX; reads++) {
      // Sees the last writing, or that one is under way.
      const before = Atomics.load(this.#count, COUNT_WORD);
      const numbers = this.#numbers.slice();
      // Sees whether another one has begun meanwhile.
      const isWhole = before % 2 === 0 && Atomics.load(this.#count, COUNT_WORD) === before;
      if (!isWhole) continue;
      this.#last = numbers;
      break;
    }
    return this.#last;
  }
}
