/**
 * How many connections a server program may have.
 *
 * Thread: main.
 */

/** Listeners, the runtime's own files, additional HTTP connections, and clients being refused. */
const OWN_DESCRIPTORS = 96;
/** If there are very few descriptors, clients get half of them. */
const RESERVE_SHARE_MAX = 1 / 2;

/** `asked`: the option; 0 for as many as possible. Units: `limit` in descriptors, undefined for none. */
export function connectionsMax(asked: number, limit: number | undefined): number {
  const bound = asked === 0 ? Number.POSITIVE_INFINITY : asked;
  if (limit === undefined) return bound;
  return Math.min(bound, limit - Math.min(OWN_DESCRIPTORS, Math.ceil(limit * RESERVE_SHARE_MAX)));
}
