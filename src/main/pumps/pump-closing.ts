/**
 * Has all pumps write what they hold to disk, and close.
 *
 * Thread: main.
 */

import type { Clock } from '../../shared/clock.ts';
import type { PumpHandle } from './pump-handle.ts';

/** How long a disk that fails is waited for. */
const TIMEOUT_MS = 30_000;

/**
 * Resolves when everything is on disk, or cannot be. A disk that takes its time is waited for; one that takes nothing
 * is not. `backendError`: why a disk queue does not take what is to be written at the moment, or null.
 *
 * Errors: resolves with what went wrong, or null. After a timeout the pumps still try.
 */
export async function closePumps(
  pumps: readonly PumpHandle[],
  clock: Clock,
  backendError: () => string | null,
): Promise<string | null> {
  const replies = Promise.all(pumps.map((pump) => pump.request({ do: 'close' })));
  const giveUp = Promise.withResolvers<string>();
  const look = (): void => {
    const error = backendError();
    if (error === null) timer = clock.after(TIMEOUT_MS, look);
    else {
      giveUp.resolve(`messages in memory could not be written within ${TIMEOUT_MS} ms - ${error}`);
    }
  };
  let timer = clock.after(TIMEOUT_MS, look);
  const outcome = await Promise.race([replies, giveUp.promise]);
  timer.cancel();
  if (typeof outcome === 'string') return outcome;
  return outcome.find((reply) => reply.error !== null)?.error ?? null;
}
