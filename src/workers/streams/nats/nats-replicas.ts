/**
 * How many servers keep a stream: the requested number, or a sensible number of the existing ones.
 *
 * Thread: any (pure).
 */

import { JetStreamApiError } from '@nats-io/jetstream';

/** With three servers the store continues without one of them. */
export const REPLICAS_MAX = 3;
/** The error of a server that is in no cluster. */
const NOT_CLUSTERED = 10074;

/** The error of a server that already has a stream of that name. */
const THERE_OTHERWISE = 10058;

/** Whether the reason of a refusal is that the stream exists, with another number of replicas for example. */
export function isThereOtherwise(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === THERE_OTHERWISE;
}

/** Whether the reason of a refusal is that the store is a single server. */
export function isClusterTooSmall(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === NOT_CLUSTERED;
}
