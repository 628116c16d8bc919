/**
 * Does something again and again.
 *
 * Thread: main.
 */

import type { Clock, Timer } from '../../shared/clock.ts';

/** Calls `run` each `ms` until the returned function is called. */
export function repeat(clock: Clock, ms: number, run: () => void): () => void {
  let timer: Timer;
  const wait = (): void => {
    timer = clock.after(ms, () => {
      wait();
      run();
    });
  };
  wait();
  return () => timer.cancel();
}
