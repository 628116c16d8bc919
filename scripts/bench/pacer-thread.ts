/**
 * Sleeps for the generator's main thread, see `pacer.ts`.
 *
 * Thread: pacer.
 */

import { workerData } from 'node:worker_threads';
import { type PacerMemory, REQUESTS, WAKES } from './pacer.ts';

const { counts, sleepMs }: PacerMemory = workerData;
/** Nobody changes it, so only the time ends a wait. */
const never = new Int32Array(new SharedArrayBuffer(4));

for (let served = 0; ; served++) {
  Atomics.wait(counts, REQUESTS, served);
  Atomics.wait(never, 0, 0, sleepMs[0]);
  Atomics.add(counts, WAKES, 1);
  Atomics.notify(counts, WAKES);
}
