/**
 * Counts the bytes that a disk thread reads and writes, and measures its syncs.
 *
 * Thread: disk.
 */

import type { Clock } from '../../../shared/clock.ts';
import { type Histogram, METER, type ThreadMeter } from '../../../shared/thread-meter.ts';

export class FileMeter {
  readonly #numbers: Float64Array;
  readonly #syncs: Histogram;
  readonly #clock: Pick<Clock, 'monotonicMs'>;

  constructor(meter: ThreadMeter, clock: Pick<Clock, 'monotonicMs'>) {
    this.#numbers = meter.numbers;
    this.#syncs = meter.histogram(METER.sync);
    this.#clock = clock;
  }

  onRead(bytes: number): void {
    this.#numbers[METER.readBytes] += bytes;
  }

  onWritten(bytes: number): void {
    this.#numbers[METER.writtenBytes] += bytes;
  }

  /** Measures a sync. Errors: rethrows its error; a failed sync counts, too. */
  timeSync(sync: () => void): void {
    const startMs = this.#clock.monotonicMs();
    try {
      sync();
    } finally {
      this.#syncs.add(this.#clock.monotonicMs() - startMs);
    }
  }
}
