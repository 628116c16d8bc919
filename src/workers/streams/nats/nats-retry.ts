/**
 * Repeats changes that got no answer: a server does not answer for a stream or consumer that has no leader, or that
 * another broker creates or deletes at that moment.
 *
 * Thread: stream.
 */

import { errors } from '@nats-io/transport-node';

/** Carries out a change that may be carried out twice. Errors: as the first attempt, or the second if there is one. */
export async function withRetry<T>(change: () => Promise<T>): Promise<T> {
  try {
    return await change();
  } catch (error) {
    if (!(error instanceof errors.TimeoutError)) throw error;
    return change();
  }
}
