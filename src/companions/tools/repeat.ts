/**
 * Repeats an action at an interval.
 *
 * Thread: main.
 */

import type { Clock, Timer } from '../../shared/clock.ts';

/** Calls `run` every `ms` until the returned function is called. */
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
