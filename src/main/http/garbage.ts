/**
 * Collects garbage on demand, which Node offers only behind a flag.
 *
 * Thread: main; each thread has its own heap, and only the caller's is collected.
 */

/** V8's own options of `gc`: a collection that also empties V8's pool of pages. */
const ALL = { type: 'major', execution: 'sync', flavor: 'last-resort' } as const;

let collect: ((options: typeof ALL) => unknown) | undefined;

/** Collects all garbage of this thread's heap before it returns, and gives the memory that V8 keeps for later back. */
export function collectGarbage(): void {
  collect ??= globalThis.gc ?? exposedCollector();
  collect(ALL);
}

/** A new context has `gc` if the flag is set when it is created; existing contexts do not change. */
function exposedCollector(): (options: typeof ALL) => unknown {
  const { setFlagsFromString } = process.getBuiltinModule('node:v8');
  const { runInNewContext } = process.getBuiltinModule('node:vm');
  setFlagsFromString('--expose-gc');
  // V8 defines it as a function without required arguments.
  const collector = runInNewContext('gc') as (options: typeof ALL) => unknown;
  setFlagsFromString('--no-expose-gc');
  return collector;
}
