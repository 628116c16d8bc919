/**
 * How many servers keep a stream: what is asked for, or as many as make sense and are there.
 *
 * Thread: any (pure).
 */

import { JetStreamApiError } from '@nats-io/jetstream';

/** With three servers the store goes on without one. */
export const REPLICAS_MAX = 3;
/** What a server says that is in no cluster. */
const NOT_CLUSTERED = 10074;

/** What a server says that has a stream of that name. */
const THERE_OTHERWISE = 10058;

/** Whether the reason of a refusal is that the stream exists, with another number of replicas for example. */
export function isThereOtherwise(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === THERE_OTHERWISE;
}

/** Whether the reason of a refusal is that the store is a single server. */
export function isClusterTooSmall(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === NOT_CLUSTERED;
}
