/**
 * Waits for fractions of a millisecond, while other things happen: a timer of the event loop is late by a millisecond,
 * which is more than what is measured here, and turning the event loop until it is time would take a whole core from
 * the server. So a thread sleeps, which the system ends within a tenth of a millisecond, and wakes the event loop.
 *
 * Thread: main, except `sleepForMain`.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

/** Indexes of the counts: requests to sleep, and wake-ups. */
const REQUESTS = 0;
const WAKES = 1;

/** What both threads share. Units: how long to sleep, in ms. */
type PacerMemory = { readonly counts: Int32Array; readonly sleepMs: Float64Array };

/** Measured: what both wake-ups take. */
const WAKE_MS = 0.1;

export class Pacer {
  readonly #memory: PacerMemory = {
    counts: new Int32Array(new SharedArrayBuffer(8)),
    sleepMs: new Float64Array(new SharedArrayBuffer(8)),
  };
  readonly #worker: Worker;

  constructor() {
    // This file is the thread's program, too.
    this.#worker = new Worker(new URL(import.meta.url), { workerData: this.#memory });
    // The caller has something else that keeps the process alive.
    this.#worker.unref();
  }

  /** Waits for about so long, and for what it takes to be woken at least. One wait at a time. */
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

/** A timer is not trusted with less. */
const TIMER_LATE_MS = 2;
/** What comes due within that is sent together: to be woken for each piece would cost more than the load does. */
const LEAST_MS = 0.25;

let pacer: Pacer | undefined;

/** To be called before it is measured how long anything takes: starting the pacer takes longer than a pause. */
export async function preparePauses(): Promise<void> {
  await pause(0);
}

/** Waits for some of `maxMs`, or a little longer where that is very short. */
export async function pause(maxMs: number): Promise<void> {
  if (maxMs > 2 * TIMER_LATE_MS) {
    await delay(Math.floor(maxMs) - TIMER_LATE_MS);
    return;
  }
  pacer ??= new Pacer();
  await pacer.wait(Math.max(LEAST_MS, maxMs));
}

/** Sleeps whenever the main thread asks for it. Never returns. Thread: the pacer's. */
function sleepForMain({ counts, sleepMs }: PacerMemory): never {
  // Nobody changes it, so only the time ends a wait.
  const never = new Int32Array(new SharedArrayBuffer(4));
  for (let served = 0; ; served++) {
    Atomics.wait(counts, REQUESTS, served);
    Atomics.wait(never, 0, 0, sleepMs[0]);
    Atomics.add(counts, WAKES, 1);
    Atomics.notify(counts, WAKES);
  }
}

if (!isMainThread) sleepForMain(workerData);
