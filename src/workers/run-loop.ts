/**
 * Steps a loop on a worker thread, and parks on its doorbell while it has nothing to do.
 *
 * Thread: pump and disk.
 */

import type { Clock } from '../shared/clock.ts';
import type { Doorbell } from '../shared/ring/doorbell.ts';
import type { ThreadMeter } from '../shared/thread-meter.ts';

/** A loop as a value: no clock, no waiting, no threads of its own. */
export interface Loop {
  /** Does a bounded amount of work and returns how much; 0: there was none. Units: ms, monotonic. */
  step(nowMs: number): number;
  /** When its next turn is due even if the bell does not ring; Infinity if never. */
  readonly nextDeadlineMs: number;
  /** Whether it has ended. */
  readonly isDone: boolean;
}

/** Upper bound of one wait, so that a wrong deadline cannot stop a loop forever. */
const PARK_MS_MAX = 1000;

/**
 * How long a loop dozes, and thus how long records that nobody waits for may stay in its rings. A wake-up every 4 ms
 * costs about a percent of a core; one for each of 20,000 publishes a second costs a third of one.
 */
const DOZE_MS = 4;
/** Work that comes at such intervals or longer is sparse, and a doze after it would be one more wake-up. */
const SPARSE_MS = 2 * DOZE_MS;

/** Counts the turns and waits of a loop. */
export type LoopMeter = Pick<ThreadMeter, 'onTurn' | 'onParked' | 'show'>;

/**
 * Runs a loop to its end. `mayDoze`: whether all records that come without a ring of the bell can wait for some
 * milliseconds. Then, after work that came in quick succession, the loop dozes before it sleeps.
 *
 * Errors: an error in a turn is a bug and ends the thread.
 */
export function runLoop(
  loop: Loop,
  bell: Doorbell,
  clock: Clock,
  meter: LoopMeter,
  mayDoze: () => boolean = () => false,
): void {
  let hasWorked = false;
  let parkedMs = Number.POSITIVE_INFINITY;
  while (!loop.isDone) {
    const rings = bell.rings();
    const turnMs = clock.monotonicMs();
    if (loop.step(turnMs) > 0) {
      meter.onTurn(turnMs);
      hasWorked = true;
      continue;
    }
    const dozes = hasWorked && parkedMs < SPARSE_MS && mayDoze();
    if (dozes) bell.doze();
    else bell.fallAsleep();
    // One more turn: something may have arrived between the turn and the flag.
    const nowMs = clock.monotonicMs();
    hasWorked = loop.step(nowMs) > 0;
    if (hasWorked) meter.onTurn(nowMs);
    else if (!loop.isDone) {
      meter.show(nowMs);
      const longestMs = dozes ? DOZE_MS : PARK_MS_MAX;
      bell.wait(rings, Math.min(longestMs, Math.max(0, loop.nextDeadlineMs - nowMs)));
      parkedMs = clock.monotonicMs() - nowMs;
      meter.onParked(parkedMs);
    }
    bell.wakeUp();
  }
}
