/**
 * What a disk queue asks of its owner, a topic or a channel, and what it reports to it.
 *
 * Thread: pump.
 */

/** Tag of fetched messages that were not due yet; the store has their due times. */
export const HAS_DUE_TIME = 1;

export type DiskBackendListener = {
  /** Whether there is memory for more. */
  readonly hasRoom: () => boolean;
  /** Whether it may read more now: there is memory, or nothing else would ever free some. */
  readonly mayRead: () => boolean;
  /** It has more to read, but memory is full: the owner calls `demand` when there is room. */
  readonly onStarved: () => void;
  /** Messages have been fetched, or there is something to read. */
  readonly onReadable: () => void;
  /**
   * A message was read that is not due yet; its reference goes to the owner. Null: such a message is fetched like the
   * others, with the tag HAS_DUE_TIME. Units: Unix time in ms.
   */
  readonly onDeferred: ((position: number, dueMs: number) => void) | null;
  /** A message was read that was due at that time, if its age counts from there. Units: Unix time in ms. */
  readonly onPastDue: ((position: number, dueMs: number) => void) | null;
  /** It refuses writes for this reason, or takes them again (null). */
  readonly onHealth: (error: string | null) => void;
  /** It is closed or deleted. */
  readonly onEnded: () => void;
};
