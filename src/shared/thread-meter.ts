/**
 * What a worker thread counts of itself: its turns, the time that it was parked, and what its loop counts. The numbers
 * are the thread's own; they are shown to others when it parks, and four times a second while it does not.
 *
 * Thread: pump and disk; `read…` main.
 */

import { HISTOGRAM_NUMBERS, Histogram } from './histogram.ts';
import { allocateBoard, BoardWriter } from './ring/board.ts';

/** Places of the numbers. Units: times in ms, memory in bytes. */
export const METER = {
  turns: 0,
  busyMs: 1,
  heapUsedBytes: 2,
  heapLimitBytes: 3,
  /** Of a pump thread: what its messages take, and its commands. */
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

/** While it has work, a thread shows its numbers this often. */
const SHOW_MS = 250;
/** How often the heap is read. */
const HEAP_MS = 1000;

/** A thread's heap. */
export type HeapFigures = { readonly usedBytes: number; readonly limitBytes: number };

/** The numbers of a thread, for what counts in them. */
export type MeteredThread = Pick<ThreadMeter, 'numbers' | 'histogram'>;

/** Allocates what a thread shows its numbers on. */
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

  /** A histogram that begins at one of the places. */
  histogram(at: number): Histogram {
    return new Histogram(this.numbers, at);
  }

  /** A turn with work begins at this time. */
  onTurn(nowMs: number): void {
    this.numbers[METER.turns]++;
    if (nowMs - this.#shownMs >= SHOW_MS) this.show(nowMs);
  }

  /** The thread was parked for this long. */
  onParked(ms: number): void {
    this.#parkedMs += ms;
  }

  /** Shows the numbers as they are. */
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
