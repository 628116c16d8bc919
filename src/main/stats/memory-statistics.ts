/**
 * Memory of the main thread, under the names of nsqd's statistics, which stem from Go's runtime.
 *
 * | field | nsqd | here |
 * |---|---|---|
 * | heap_objects | live objects | 0: V8 does not count them |
 * | heap_idle_bytes | spans without objects | heap that V8 has reserved and not used |
 * | heap_in_use_bytes | spans with objects | heap in use, and buffers outside of it |
 * | heap_released_bytes | given back to the system | reserved heap that has no physical memory |
 * | gc_pause_usec_100, 99, 95 | pauses of the last 256 collections | the same |
 * | next_gc_bytes | heap at which the next collection starts | the heap's limit, before which V8 must collect |
 * | gc_total_runs | collections | the same, small ones included |
 *
 * Units: bytes, microseconds. Thread: main; pump and disk threads have heaps of their own, which hold little.
 * Source: nsqd's `getMemStats`.
 */

import { type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { Collections } from './collections.ts';

/** Units: bytes, and microseconds for pauses. */
export type MemoryStatistics = {
  readonly heapObjects: number;
  readonly heapIdleBytes: number;
  readonly heapInUseBytes: number;
  readonly heapReleasedBytes: number;
  readonly gcPauseUsec100: number;
  readonly gcPauseUsec99: number;
  readonly gcPauseUsec95: number;
  readonly nextGcBytes: number;
  readonly gcTotalRuns: number;
};

/** nsqd's names for them, in its order. */
const NAMES: readonly (readonly [name: string, field: keyof MemoryStatistics])[] = [
  ['heap_objects', 'heapObjects'],
  ['heap_idle_bytes', 'heapIdleBytes'],
  ['heap_in_use_bytes', 'heapInUseBytes'],
  ['heap_released_bytes', 'heapReleasedBytes'],
  ['gc_pause_usec_100', 'gcPauseUsec100'],
  ['gc_pause_usec_99', 'gcPauseUsec99'],
  ['gc_pause_usec_95', 'gcPauseUsec95'],
  ['next_gc_bytes', 'nextGcBytes'],
  ['gc_total_runs', 'gcTotalRuns'],
];

/** The statistics by nsqd's names. */
export function namedMemory(memory: MemoryStatistics): [name: string, value: number][] {
  return NAMES.map(([name, field]) => [name, memory[field]]);
}

/** The number of pauses that are kept. */
const PAUSES_MAX = 256;
const US_PER_MS = 1000;

/** Counts garbage collections from `start` on, and reads the heap on demand. */
export class MemoryMonitor {
  readonly collections = new Collections();

  readonly #pauses = new RecentPauses();
  readonly #observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) this.#note(entry);
  });

  start(): void {
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  stop(): void {
    this.#observer.disconnect();
  }

  read(): MemoryStatistics {
    const heap = getHeapStatistics();
    return {
      heapObjects: 0,
      heapIdleBytes: heap.total_heap_size - heap.used_heap_size,
      heapInUseBytes: heap.used_heap_size + heap.external_memory,
      heapReleasedBytes: Math.max(0, heap.total_heap_size - heap.total_physical_size),
      gcPauseUsec100: this.#pauses.percentileUs(1),
      gcPauseUsec99: this.#pauses.percentileUs(0.99),
      gcPauseUsec95: this.#pauses.percentileUs(0.95),
      nextGcBytes: heap.heap_size_limit,
      gcTotalRuns: this.#pauses.total,
    };
  }

  #note(entry: PerformanceEntry): void {
    this.#pauses.add(Math.round(entry.duration * US_PER_MS));
    this.collections.add(entry);
  }
}

/** The last pauses; the next one replaces the oldest. */
export class RecentPauses {
  readonly #us: number[] = [];
  /** The number of pauses so far. */
  total = 0;

  add(us: number): void {
    this.#us[this.total % PAUSES_MAX] = us;
    this.total += 1;
  }

  /** The pause that this share of them does not exceed; 0 if there are none. Units: µs. */
  percentileUs(share: number): number {
    if (this.#us.length === 0) return 0;
    const sorted = this.#us.toSorted((a, b) => a - b);
    return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  }
}
