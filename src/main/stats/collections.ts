/**
 * Garbage collections of the main thread: their number and duration.
 *
 * Thread: main. The other threads cannot be observed while they run their loops; their heaps are small.
 */

import { constants } from 'node:perf_hooks';
import type { CollectionStatistics } from './node-statistics.ts';

/** Node's numbers of the kinds. */
const KINDS: readonly (readonly [flag: number, kind: CollectionStatistics['kind']])[] = [
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
];
const MS_PER_SECOND = 1000;

export class Collections {
  readonly #counts = new Map<number, { count: number; ms: number }>(
    KINDS.map(([flag]) => [flag, { count: 0, ms: 0 }]),
  );

  /** Called for each collection. Shape: an entry of kind `gc`, whose details Node's types omit. */
  add(entry: { readonly duration: number; readonly detail?: unknown }): void {
    const { detail, duration } = entry;
    if (typeof detail !== 'object' || detail === null || !('kind' in detail)) return;
    const counts = this.#counts.get(Number(detail.kind));
    if (counts === undefined) return;
    counts.count++;
    counts.ms += duration;
  }

  read(): CollectionStatistics[] {
    return KINDS.map(([flag, kind]) => {
      const { count = 0, ms = 0 } = this.#counts.get(flag) ?? {};
      return { kind, count, seconds: ms / MS_PER_SECOND };
    });
  }
}
