/**
 * What a disk queue asks and tells its owner, a topic or a channel.
 *
 * Thread: pump.
 */

/** Tag of messages that are fetched and were not due yet; the store knows when they are. */
export const HAS_DUE_TIME = 1;

export type DiskBackendListener = {
  /** Whether there is memory for more. */
  readonly hasRoom: () => boolean;
  /** Whether it may read more now: because there is memory, or because nothing else would ever go on. */
  readonly mayRead: () => boolean;
  /** It would read more, but memory is full: the owner asks again (`demand`) when there is some. */
  readonly onStarved: () => void;
  /** Messages have been fetched, or there is something to read. */
  readonly onReadable: () => void;
  /**
   * A message was read that is not due yet; its reference is the owner's. Null: it is fetched like the others,
   * with HAS_DUE_TIME as its tag. Units: Unix time in ms.
   */
  readonly onDeferred: ((position: number, dueMs: number) => void) | null;
  /** It stops taking writes for this reason, or takes them again (null). */
  readonly onHealth: (error: string | null) => void;
  /** It is closed or deleted. */
  readonly onEnded: () => void;
};
