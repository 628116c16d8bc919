/**
 * Ends worker threads without waiting for the system. A thread ends only when its system calls have returned, and the
 * lookup of a name takes as long as its servers are silent. When the loops of the threads have ended, nothing depends
 * on these calls any more.
 *
 * Thread: main.
 */

import type { Clock } from '../../shared/clock.ts';

/** A thread that has not ended by then hangs in a system call; it ends with the process. Units: ms. */
export const THREAD_END_MS = 500;

/** Ends the threads. Resolves when they are gone, or hang. */
export async function endThreads(
  threads: { destroy(): Promise<void> },
  clock: Pick<Clock, 'after'>,
): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = clock.after(THREAD_END_MS, late.resolve);
  await Promise.race([threads.destroy(), late.promise]);
  timer.cancel();
}
