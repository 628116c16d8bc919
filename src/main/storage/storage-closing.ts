/**
 * Writes everything in memory to disk at the end: the messages of all pumps, and the list of topics and channels.
 * Neither waits for the other, so a failure of one does not cost the other.
 *
 * Thread: main.
 */

import type { Clock } from '../../shared/clock.ts';
import type { PumpHandle } from '../pumps/pump-handle.ts';
import type { Metadata } from '../topics/metadata.ts';
import type { SeenMessages } from './seen-messages.ts';

/** How long a disk that fails or hangs is waited for. What fails is tried again until then. */
const TIMEOUT_MS = 30_000;
/** How often a disk that hangs at the timeout is looked at. */
const LOOK_MS = 1000;

/** A call of the disk that has not come back. */
type Hang = { readonly text: string; readonly ms: number };

/** What is closed. */
export type StorageToClose = {
  readonly pumps: readonly Pick<PumpHandle, 'close'>[];
  readonly metadata: Pick<Metadata, 'persist' | 'failure'>;
  readonly seen: Pick<SeenMessages, 'save'>;
  readonly clock: Clock;
  /** Why a disk queue does not take what is to be written at the moment, or null. */
  readonly queueError: () => string | null;
  /** Why the disk does not answer, and for how long, or null. */
  readonly hang: () => Hang | null;
};

/**
 * Resolves when everything is on disk, or cannot be. A slow disk is waited for; a failing one is abandoned
 * after the timeout.
 *
 * Errors: resolves with what went wrong, or null. After a timeout pumps and metadata still try.
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
    // A slow disk may hang for a moment now and then.
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
