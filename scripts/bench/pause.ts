/** Lets other things happen until it is time. */

import { setTimeout as delay } from 'node:timers/promises';
import { Pacer } from './pacer.ts';

/** A timer is not trusted with less. */
const TIMER_LATE_MS = 2;
/** What comes due within that is sent together: to be woken for each piece would cost more than the load does. */
const LEAST_MS = 0.25;

let pacer: Pacer | undefined;

/** To be called before it is measured how long anything takes: starting the pacer takes longer than a pause. */
export async function preparePauses(): Promise<void> {
  await pause(0);
}

/** Waits for some of `maxMs`, or a little longer where that is very short. */
export async function pause(maxMs: number): Promise<void> {
  if (maxMs > 2 * TIMER_LATE_MS) {
    await delay(Math.floor(maxMs) - TIMER_LATE_MS);
    return;
  }
  pacer ??= new Pacer();
  await pacer.wait(Math.max(LEAST_MS, maxMs));
}
