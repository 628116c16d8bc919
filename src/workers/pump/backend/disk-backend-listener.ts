/**
 * What a disk queue asks its owner, a topic or a channel, and what it reports to the owner.
 *
 * Thread: pump.
 */

/** Tag of fetched messages that are not due yet; the store has their due times. */
export const HAS_DUE_TIME = 1;

export type DiskBackendListener = {
  /** Whether there is memory for more messages. */
  readonly hasRoom: () => boolean;
  /** Whether it may read more now: there is memory, or reading is the only way to free some. */
  readonly mayRead: () => boolean;
  /** There is more to read, but memory is full: the owner calls `demand` when there is room. */
  readonly onStarved: () => void;
  /** Messages have been fetched, or there is something to read. */
  readonly onReadable: () => void;
  /**
   * Gets a message that was read and is not due yet, with its reference. If null, such messages are fetched like
   * others, with the tag HAS_DUE_TIME. Units: Unix time in ms.
   */
  readonly onDeferred: ((position: number, dueMs: number) => void) | null;
  /**
   * Gets the due time of a message that is already due, if the age of the message counts from there. Units: Unix time
   * in ms.
   */
  readonly onPastDue: ((position: number, dueMs: number) => void) | null;
  /** It refuses writes for this reason, or accepts them again (null). */
  readonly onHealth: (error: string | null) => void;
  /** It is closed or deleted. */
  readonly onEnded: () => void;
};
