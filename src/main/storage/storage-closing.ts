/**
 * Writes everything in memory to disk at shutdown: the messages of all pumps, and the list of topics and channels. The
 * two are independent, so that a failure of one does not cost the other.
 *
 * Thread: main.
 */

import type { Clock } from '../../shared/clock.ts';
import type { PumpHandle } from '../pumps/pump-handle.ts';
import type { Metadata } from '../topics/metadata.ts';
import type { SeenMessages } from './seen-messages.ts';

/** The patience for a disk that fails or hangs; failed calls are retried until then. */
const TIMEOUT_MS = 30_000;
/** The interval between checks of a disk that still hangs after the timeout. */
const LOOK_MS = 1000;

/** A call to the disk that has not returned. */
type Hang = { readonly text: string; readonly ms: number };

/** The parts to close. */
export type StorageToClose = {
  readonly pumps: readonly Pick<PumpHandle, 'close'>[];
  readonly metadata: Pick<Metadata, 'persist' | 'failure'>;
  readonly seen: Pick<SeenMessages, 'save'>;
  readonly clock: Clock;
  /** Why a disk queue cannot be written at the moment, or null. */
  readonly queueError: () => string | null;
  /** Why the disk does not answer, and for how long; or null. */
  readonly hang: () => Hang | null;
};

/**
 * Resolves when everything is on disk or cannot be stored. It waits for a slow disk, and abandons a failing one after
 * the timeout.
 *
 * Errors: resolves with the failure, or null. After a timeout, pumps and metadata keep trying.
 */
export async function closeStorage(storage: StorageToClose): Promise<string | null> {
  const { pumps, metadata, seen, clock } = storage;
  const closing = Promise.all(pumps.map((pump) => pump.close())).then(async (replies) => {
    await seen.save(replies.flatMap((reply) => reply.seen ?? []));
    return replies;
  });
  const all = Promise.all([closing, metadata.persist()]);
  const abandoned = Promise.withResolvers<string>();
  const look = (): void => {
    const failure = failureOf(storage);
    if (failure !== null) abandoned.resolve(failure);
    // A slow disk may hang briefly now and then.
    else timer = clock.after(storage.hang() === null ? TIMEOUT_MS : LOOK_MS, look);
  };
  let timer = clock.after(TIMEOUT_MS, look);
  const outcome = await Promise.race([all, abandoned.promise]);
  timer.cancel();
  if (typeof outcome === 'string') return outcome;
  const [replies] = outcome;
  return replies.find((reply) => reply.error !== null)?.error ?? null;
}

function failureOf({ queueError, hang, metadata }: StorageToClose): string | null {
  const stuck = hang();
  const error = queueError() ?? (stuck !== null && stuck.ms >= TIMEOUT_MS ? stuck.text : null);
  if (error !== null) {
    return `messages or positions could not be written within ${TIMEOUT_MS} ms - ${error}`;
  }
  if (metadata.failure === null) return null;
  return `topics and channels could not be saved within ${TIMEOUT_MS} ms - ${metadata.failure}`;
}
