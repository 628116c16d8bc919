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

/** What a loop's turns and waits are counted by. */
export type LoopMeter = Pick<ThreadMeter, 'onTurn' | 'onParked' | 'show'>;

/** Runs a loop to its end. Errors: an error in a turn is a bug and ends the thread. */
export function runLoop(loop: Loop, bell: Doorbell, clock: Clock, meter: LoopMeter): void {
  while (!loop.isDone) {
    const rings = bell.rings();
    const turnMs = clock.monotonicMs();
    if (loop.step(turnMs) > 0) {
      meter.onTurn(turnMs);
      continue;
    }
    bell.fallAsleep();
    // One more turn: something may have arrived between the turn and the flag.
    const nowMs = clock.monotonicMs();
    if (loop.step(nowMs) > 0) meter.onTurn(nowMs);
    else if (!loop.isDone) {
      meter.show(nowMs);
      bell.wait(rings, Math.min(PARK_MS_MAX, Math.max(0, loop.nextDeadlineMs - nowMs)));
      meter.onParked(clock.monotonicMs() - nowMs);
    }
    bell.wakeUp();
  }
}
