/**
 * Waits for fractions of a millisecond without stopping other work. A timer of the event loop is late by up to a
 * millisecond, which is more than the measured times, and polling in the event loop would take a whole core from the
 * server. So a thread sleeps, which the system wakes within a tenth of a millisecond, and it wakes the event loop.
 *
 * Thread: main, except `sleepForMain`.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

/** Indexes of the counts: requests to sleep, and wake-ups. */
const REQUESTS = 0;
const WAKES = 1;

/** The memory that both threads share. Units: how long to sleep, in ms. */
type PacerMemory = { readonly counts: Int32Array; readonly sleepMs: Float64Array };

/** Measured: the time that both wake-ups take. */
const WAKE_MS = 0.1;

export class Pacer {
  readonly #memory: PacerMemory = {
    counts: new Int32Array(new SharedArrayBuffer(8)),
    sleepMs: new Float64Array(new SharedArrayBuffer(8)),
  };
  readonly #worker: Worker;

  constructor() {
    // This file is also the program of the thread.
    this.#worker = new Worker(new URL(import.meta.url), { workerData: this.#memory });
    // Something else of the caller keeps the process alive.
    this.#worker.unref();
  }

  /** Waits for about this long, and at least for the time of a wake-up. One wait at a time. */
  async wait(ms: number): Promise<void> {
    const { counts, sleepMs } = this.#memory;
    const wakes = Atomics.load(counts, WAKES);
    sleepMs[0] = Math.max(0, ms - WAKE_MS);
    Atomics.add(counts, REQUESTS, 1);
    Atomics.notify(counts, REQUESTS);
    await Atomics.waitAsync(counts, WAKES, wakes).value;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** How late a timer may be: shorter pauses use the thread instead. */
const TIMER_LATE_MS = 2;
/** Pieces that come due within this time are sent together: a wake-up for each would cost more than the load. */
const LEAST_MS = 0.25;

let pacer: Pacer | undefined;

/** Starts the pacer. Call it before a measurement begins: starting takes longer than a pause. */
export async function preparePauses(): Promise<void> {
  await pause(0);
}

/** Waits for at most `maxMs`, or a little longer if that is very short. */
export async function pause(maxMs: number): Promise<void> {
  if (maxMs > 2 * TIMER_LATE_MS) {
    await delay(Math.floor(maxMs) - TIMER_LATE_MS);
    return;
  }
  pacer ??= new Pacer();
  await pacer.wait(Math.max(LEAST_MS, maxMs));
}

/** Sleeps whenever the main thread requests it. Never returns. Thread: the pacer's. */
function sleepForMain({ counts, sleepMs }: PacerMemory): never {
  // Nobody changes the word, so only the time ends a wait.
  const never = new Int32Array(new SharedArrayBuffer(4));
  for (let served = 0; ; served++) {
    Atomics.wait(counts, REQUESTS, served);
    Atomics.wait(never, 0, 0, sleepMs[0]);
    Atomics.add(counts, WAKES, 1);
    Atomics.notify(counts, WAKES);
  }
}

if (!isMainThread) sleepForMain(workerData);
