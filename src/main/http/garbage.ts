/**
 * Collects garbage on demand, which Node offers only behind a flag.
 *
 * Thread: main; each thread has its own heap, and only the caller's is collected.
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collect: (() => void) | undefined;

/** Collects all garbage of this thread's heap before it returns. */
export function collectGarbage(): void {
  collect ??= globalThis.gc ?? exposedCollector();
  collect();
}

/** A new context has `gc` if the flag is set when it is created; existing contexts do not change. */
function exposedCollector(): () => void {
  setFlagsFromString('--expose-gc');
  // V8 defines it as a function without required arguments.
  const collector = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  return collector;
}
