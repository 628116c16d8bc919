/**
 * Collects garbage on demand, which Node offers only with a flag.
 *
 * Thread: main; each thread has its own heap, and this is about the caller's.
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collect: (() => void) | undefined;

/** Collects all garbage of this thread's heap before it returns. */
export function collectGarbage(): void {
  collect ??= globalThis.gc ?? exposedCollector();
  collect();
}

/** A new context shows `gc` if the flag is set while it is made; the contexts that exist stay as they are. */
function exposedCollector(): () => void {
  setFlagsFromString('--expose-gc');
  // V8 itself defines it, as a function without required arguments.
  const collector = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  return collector;
}
