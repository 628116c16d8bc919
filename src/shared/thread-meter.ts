/**
 * A worker thread's own counters: its turns, the time that it was parked, and the counters of its loop. The numbers
 * belong to the thread; it publishes them when it parks, and four times a second while it does not.
 *
 * Thread: pump and disk; `read…` main.
 */

import { HISTOGRAM_NUMBERS, Histogram } from './histogram.ts';
import { allocateBoard, BoardWriter } from './ring/board.ts';

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
