/**
 * A worker thread's own counters: its turns, the time that it was parked, and the counters of its loop. The numbers
 * belong to the thread; it publishes them when it parks, and four times a second while it does not.
 *
 * Thread: the one that counts, unless a comment says otherwise.
 */

import { allocateBoard, BoardWriter } from './ring/board.ts';

/** A duration counts in the bucket of the first bound that is not shorter. Units: µs. */
export const BOUNDS_US: readonly number[] = [
  50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000,
  1_000_000, 2_000_000, 5_000_000, 10_000_000, 20_000_000, 50_000_000, 100_000_000, 200_000_000,
  500_000_000, 1_000_000_000,
];
const LONGER = BOUNDS_US.length;
const SUM = LONGER + 1;
/** The numbers that a histogram occupies. */
export const HISTOGRAM_NUMBERS = SUM + 1;

const US_PER_MS = 1000;
const LONGEST_US = BOUNDS_US[LONGER - 1];
const WORD_BITS = 32;
/** For each number of leading zeros of a duration: the first bound that may apply, and its value. */
const FIRST_BUCKET = Array.from({ length: WORD_BITS + 1 }, (_, zeros) => {
  const leastUs = zeros === WORD_BITS ? 0 : 2 ** (WORD_BITS - 1 - zeros);
  const index = BOUNDS_US.findIndex((bound) => bound >= leastUs);
  return index === -1 ? LONGER : index;
});

/** The bucket of a duration. A negative one, which a wall clock that was set back can cause, counts as zero. */
export function bucketOf(ms: number): number {
  const us = Math.ceil(ms * US_PER_MS);
  if (us <= 0) return 0;
  if (us > LONGEST_US) return LONGER;
  const bucket = FIRST_BUCKET[Math.clz32(us)];
  return us <= BOUNDS_US[bucket] ? bucket : bucket + 1;
}

/**
 * Counts durations by size, in a range of a thread's numbers, so that a duration costs a few additions and no object.
 *
 * Shape: a count for each bound of `BOUNDS_US`, one for longer durations, and the sum in ms. Bounds are 1, 2, 5, 10 …,
 * so that at most one of them lies between two powers of two: the power selects the bucket.
 *
 * Thread: any; each histogram belongs to one thread.
 */
export class Histogram {
  readonly #numbers: Float64Array;
  readonly #at: number;

  /** `at`: the start of its `HISTOGRAM_NUMBERS`. */
  constructor(numbers: Float64Array, at: number) {
    this.#numbers = numbers;
    this.#at = at;
  }

  /** Counts a duration this many times. */
  add(ms: number, count = 1): void {
    this.#numbers[this.#at + bucketOf(ms)] += count;
    this.#numbers[this.#at + SUM] += Math.max(0, ms) * count;
  }
}

/** The sum of the histograms of several threads. Shape: `counts` by bucket. Units: `sumMs` in ms. */
export type Durations = { readonly counts: readonly number[]; readonly sumMs: number };

/** Adds up the histograms that start at `at` in each thread's numbers. */
export function durationsOf(threads: readonly Float64Array[], at: number): Durations {
  const counts = new Array<number>(LONGER + 1).fill(0);
  let sumMs = 0;
  for (const numbers of threads) {
    for (let bucket = 0; bucket <= LONGER; bucket++) counts[bucket] += numbers[at + bucket];
    sumMs += numbers[at + SUM];
  }
  return { counts, sumMs };
}

/** The places of the numbers. Units: times in ms, memory in bytes. */
export const METER = {
  turns: 0,
  busyMs: 1,
  heapUsedBytes: 2,
  heapLimitBytes: 3,
  /** Of a pump thread: the memory of its messages, and its commands. */
  messageBytes: 4,
  finishes: 5,
  requeues: 6,
  touches: 7,
  readies: 8,
  publishToDeliver: 9,
  deliverToFinish: 9 + HISTOGRAM_NUMBERS,
  /** Of a disk thread, in the places of a pump's. */
  readBytes: 4,
  writtenBytes: 5,
  sync: 9,
} as const;
const NUMBERS = METER.deliverToFinish + HISTOGRAM_NUMBERS;

/** The interval at which a busy thread publishes its numbers. */
const SHOW_MS = 250;
/** The interval at which the heap is read. */
const HEAP_MS = 1000;

/** A thread's heap. */
export type HeapFigures = { readonly usedBytes: number; readonly limitBytes: number };

/** The numbers of a thread, for its parts that count. */
export type MeteredThread = Pick<ThreadMeter, 'numbers' | 'histogram'>;

/** Allocates the board on which a thread publishes its numbers. */
export function allocateMeter(): SharedArrayBuffer {
  return allocateBoard(NUMBERS);
}

export class ThreadMeter {
  readonly numbers = new Float64Array(NUMBERS);

  readonly #board: BoardWriter;
  readonly #readHeap: () => HeapFigures;
  readonly #startMs: number;
  #parkedMs = 0;
  #shownMs: number;
  #heapMs = Number.NEGATIVE_INFINITY;

  /** Units: `nowMs` in ms, monotonic, as all times here. */
  constructor(memory: SharedArrayBuffer, readHeap: () => HeapFigures, nowMs: number) {
    this.#board = new BoardWriter(memory);
    this.#readHeap = readHeap;
    this.#startMs = nowMs;
    this.#shownMs = nowMs;
  }

  /** A histogram at one of the places. */
  histogram(at: number): Histogram {
    return new Histogram(this.numbers, at);
  }

  /** A turn with work starts at this time. */
  onTurn(nowMs: number): void {
    this.numbers[METER.turns]++;
    if (nowMs - this.#shownMs >= SHOW_MS) this.show(nowMs);
  }

  /** The thread was parked for this long. */
  onParked(ms: number): void {
    this.#parkedMs += ms;
  }

  /** Publishes the current numbers. */
  show(nowMs: number): void {
    this.#shownMs = nowMs;
    const { numbers } = this;
    numbers[METER.busyMs] = nowMs - this.#startMs - this.#parkedMs;
    if (nowMs - this.#heapMs >= HEAP_MS) {
      this.#heapMs = nowMs;
      const { usedBytes, limitBytes } = this.#readHeap();
      numbers[METER.heapUsedBytes] = usedBytes;
      numbers[METER.heapLimitBytes] = limitBytes;
    }
    this.#board.write(numbers);
  }
}
