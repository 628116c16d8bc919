/**
 * Garbage collections of the main thread: how many there were, and how long they took.
 *
 * Thread: main. The other threads cannot be watched while they run their loops; their heaps hold little.
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

  /** There was a collection. Shape: an entry of kind `gc`, of which Node's types do not know the details. */
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
