/**
 * Repeats changes that got no answer, or that conflicted with another change: a server does not answer for a stream or
 * consumer that has no leader, or that another broker creates or deletes at that moment, and creates no consumer while
 * it removes the files of its stream.
 *
 * Thread: stream.
 */

import { JetStreamApiError } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';

/** The error of a server that cannot create the files of a consumer now. */
const NO_CONSUMER_FILES = 10104;

/** Carries out a change that may be carried out twice. Errors: as the first attempt, or the second if there is one. */
export async function withRetry<T>(change: () => Promise<T>): Promise<T> {
  try {
    return await change();
  } catch (error) {
    if (!isPassing(error)) throw error;
    return change();
  }
}

function isPassing(error: unknown): boolean {
  if (error instanceof JetStreamApiError) return error.code === NO_CONSUMER_FILES;
  return error instanceof errors.TimeoutError;
}
