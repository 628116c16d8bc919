/**
 * Waits precisely: a timer is late by a millisecond, which is more than what is measured here, so the last of the
 * time is spent turning the event loop.
 */

import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';

/** A timer is not trusted with less. */
const TIMER_LATE_MS = 2;

/** Waits for some of `maxMs`, at least one turn of the event loop. */
export async function pause(maxMs: number): Promise<void> {
  if (maxMs > 2 * TIMER_LATE_MS) await delay(Math.floor(maxMs) - TIMER_LATE_MS);
  else await turn();
}
