/**
 * Sorts by name in slices of about a millisecond, so that main can do other work in between: it sorts runs and then
 * merges them.
 *
 * Thread: main.
 */

import { nextTurn } from '../../daemon/slices.ts';

/** Items sorted in one slice; a merging slice takes some more. */
const RUN_MAX = 2048;
const MERGED_PER_SLICE = 16 * 1024;

interface Named {
  readonly name: string;
}

/** The items in the order of their names, which are ASCII, so that code units sort like bytes. */
export async function sortedByName<T extends Named>(items: Iterable<T>): Promise<T[]> {
  const runs: T[][] = [];
  let run: T[] = [];
  for (const item of items) {
    run.push(item);
    if (run.length < RUN_MAX) continue;
    runs.push(run.sort(compare));
    run = [];
    await nextTurn();
  }
  runs.push(run.sort(compare));
  while (runs.length > 1) {
    const [first = [], second = []] = runs.splice(0, 2);
    runs.push(await merged(first, second));
  }
  return runs[0];
}

async function merged<T extends Named>(first: readonly T[], second: readonly T[]): Promise<T[]> {
  const all: T[] = [];
  let at = 0;
  for (const item of first) {
    while (at < second.length && compare(second[at], item) < 0) all.push(second[at++]);
    all.push(item);
    if (all.length % MERGED_PER_SLICE === 0) await nextTurn();
  }
  while (at < second.length) all.push(second[at++]);
  return all;
}

function compare(a: Named, b: Named): number {
  if (a.name === b.name) return 0;
  return a.name < b.name ? -1 : 1;
}
