/**
 * Memory of the main thread, under the names that Go's runtime gave nsqd's statistics.
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

/** Shape: the fields' order is that of the statistics. */
export type MemoryStatistics = {
  readonly heap_objects: number;
  readonly heap_idle_bytes: number;
  readonly heap_in_use_bytes: number;
  readonly heap_released_bytes: number;
  readonly gc_pause_usec_100: number;
  readonly gc_pause_usec_99: number;
  readonly gc_pause_usec_95: number;
  readonly next_gc_bytes: number;
  readonly gc_total_runs: number;
};

/** How many pauses are remembered. */
const PAUSES_MAX = 256;
const US_PER_MS = 1000;

/** Counts garbage collections from `start` on, and reads the heap when asked. */
export class MemoryMonitor {
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
      heap_objects: 0,
      heap_idle_bytes: heap.total_heap_size - heap.used_heap_size,
      heap_in_use_bytes: heap.used_heap_size + heap.external_memory,
      heap_released_bytes: Math.max(0, heap.total_heap_size - heap.total_physical_size),
      gc_pause_usec_100: this.#pauses.percentileUs(1),
      gc_pause_usec_99: this.#pauses.percentileUs(0.99),
      gc_pause_usec_95: this.#pauses.percentileUs(0.95),
      next_gc_bytes: heap.heap_size_limit,
      gc_total_runs: this.#pauses.total,
    };
  }

  #note(entry: PerformanceEntry): void {
    this.#pauses.add(Math.round(entry.duration * US_PER_MS));
  }
}

/** The last pauses, the oldest of which the next one replaces. */
export class RecentPauses {
  readonly #us: number[] = [];
  /** How many there were ever. */
  total = 0;

  add(us: number): void {
    this.#us[this.total % PAUSES_MAX] = us;
    this.total += 1;
  }

  /** The pause than which this share of them is not longer; 0 without any. Units: µs. */
  percentileUs(share: number): number {
    if (this.#us.length === 0) return 0;
    const sorted = this.#us.toSorted((a, b) => a - b);
    return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  }
}
