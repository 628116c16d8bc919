/**
 * Two threads and a ring between them, for as many records as asked for:
 *
 *     node test/stress/ring-stress.ts [--records N] [--seed N] [--capacity BYTES]
 *
 * Lengths, types and bytes of all records follow from the seed, so the consumer knows what must come. A thread
 * that waits for its bell longer than any turn of the other can take has lost a wake-up, and the run fails.
 * Progress goes to stderr, the result to stdout; the status is 1 when something was wrong.
 */

import { randomInt } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { readArguments, wholeNumber } from '../../scripts/kit/arguments.ts';
import { allocateDoorbell } from '../../src/shared/ring/doorbell.ts';
import { ringMemoryAt } from '../support/ring-memory.ts';
import type { StressTask } from './ring-stress-thread.ts';

export interface StressOptions {
  readonly records: number;
  readonly seed: number;
  readonly capacity: number;
  readonly onProgress?: (records: number) => void;
}

/**
 * Sends that many records through a ring and checks each. The positions wrap soon after the start.
 *
 * Errors: rejects with what was found wrong, and the seed; both threads have ended by then.
 */
export async function runStress(options: StressOptions): Promise<void> {
  const { records, seed, capacity } = options;
  const shared = {
    records,
    seed,
    ring: ringMemoryAt(capacity, 2 ** 32 - 64 * capacity),
    producerBell: allocateDoorbell(),
    consumerBell: allocateDoorbell(),
  };
  const ends: Promise<void>[] = [];
  const workers: Worker[] = [];
  for (const role of ['producer', 'consumer'] as const) {
    const workerData: StressTask = { ...shared, role };
    const worker = new Worker(new URL('./ring-stress-thread.ts', import.meta.url), { workerData });
    worker.on('message', (count: number) => options.onProgress?.(count));
    workers.push(worker);
    ends.push(ended(worker, role));
  }
  try {
    await Promise.all(ends);
  } catch (cause) {
    throw new Error(`stress a ring of ${capacity} bytes with seed ${seed}`, { cause });
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

function ended(worker: Worker, role: string): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once('error', (cause) => reject(new Error(`${role} failed`, { cause })));
    worker.once('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${role} ended with status ${code}`));
    });
  });
}

const USAGE = `usage: node test/stress/ring-stress.ts [options]

  --records N        records to send (default 100000000)
  --seed S           of the random sizes and contents (default random, printed)
  --capacity BYTES   of the ring, a power of two (default 65536)`;

async function main(): Promise<void> {
  const values = readArguments(USAGE, {
    records: { type: 'string', default: '100000000' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    capacity: { type: 'string', default: '65536' },
  });
  const records = wholeNumber('records', values.records, 1, USAGE);
  const seed = wholeNumber('seed', values.seed, 0, USAGE);
  const capacity = wholeNumber('capacity', values.capacity, 64, USAGE);
  const what = `${records} records, seed ${seed}, capacity ${capacity}`;
  console.error(`start: ${what}`);
  const startMs = performance.now();
  const seconds = (): number => (performance.now() - startMs) / 1000;
  await runStress({
    records,
    seed,
    capacity,
    onProgress: (count) => console.error(`${count} records after ${seconds().toFixed(1)} s`),
  });
  const rate = Math.round(records / seconds());
  console.log(`ok: ${what}, ${seconds().toFixed(1)} s, ${rate} records/s`);
}

if (process.argv[1] === import.meta.filename) await main();
