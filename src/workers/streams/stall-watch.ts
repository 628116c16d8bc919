/**
 * Finds channels that have stalled: the store has messages for them, this broker waits for some, and no broker gets
 * any. Faults of NATS servers have left consumers that deliver nothing until they are repaired.
 *
 * Only time during which the store keeps reporting messages counts; while it elects a leader it reports nothing. A
 * channel that stays stalled is checked at growing intervals.
 *
 * Units: ms, monotonic.
 * Thread: stream.
 */

import type { StreamName } from '../../shared/control.ts';
import { errorText } from '../../shared/error-text.ts';
import type { StreamFigures, StreamStore } from './stream-store.ts';

/** How long a channel must be stalled before something is done; doubled with each attempt, up to the maximum. */
const STALL_MS = 10_000;
const STALL_MS_MAX = 300_000;
/** After this long without figures from the store, the time starts again. */
const SILENCE_MS = 3000;
/** A channel that has not requested messages for this long does not want any. */
const IDLE_MS = 5000;

type Standing = {
  readonly handed: number;
  sinceMs: number;
  lookedMs: number;
  attempts: number;
};

/** A channel, as the watch sees it. */
export type WatchedChannel = {
  readonly name: StreamName;
  readonly title: string;
  /** When it last requested messages. */
  readonly askedMs: number;
};

/** The loop, as the watch sees it. */
export type StallWatchOptions<Channel> = {
  readonly store: Pick<StreamStore, 'mend'>;
  /** A channel has stalled. */
  readonly onStalled: (channel: Channel) => void;
  readonly warn: (channel: Channel, text: string) => void;
};

export class StallWatch<Channel extends WatchedChannel> {
  readonly #options: StallWatchOptions<Channel>;
  readonly #standing = new WeakMap<Channel, Standing>();

  constructor(options: StallWatchOptions<Channel>) {
    this.#options = options;
  }

  /** Checks the figures of a channel; `end` is the place of the last message of its topic. */
  look(channel: Channel, figures: StreamFigures, end: number, nowMs: number): void {
    const attempt = this.#attempt(channel, figures, end, nowMs);
    if (attempt === null) return;
    const { store, onStalled, warn } = this.#options;
    const { name, title } = channel;
    onStalled(channel);
    store.mend(name, attempt, figures.handed).then(
      (what) => warn(channel, `${title} was stalled with unread messages: ${what}`),
      (error: unknown) => {
        warn(channel, `${title} is stalled with unread messages - ${errorText(error)}`);
      },
    );
  }

  /** The number of earlier attempts to repair it, if it is time for another one; otherwise null. */
  #attempt(queue: Channel, figures: StreamFigures, end: number, nowMs: number): number | null {
    const { unread, readTo, handed, isFull } = figures;
    const hasMore = !isFull && (unread > 0 || end > readTo);
    const isWanted = nowMs - queue.askedMs < IDLE_MS;
    const before = this.#standing.get(queue);
    if (!hasMore || !isWanted) {
      this.#standing.delete(queue);
      return null;
    }
    if (before?.handed !== handed) {
      this.#standing.set(queue, { handed, sinceMs: nowMs, lookedMs: nowMs, attempts: 0 });
      return null;
    }
    if (nowMs - before.lookedMs > SILENCE_MS) before.sinceMs = nowMs;
    before.lookedMs = nowMs;
    const waitMs = Math.min(STALL_MS_MAX, STALL_MS * 2 ** before.attempts);
    if (nowMs - before.sinceMs < waitMs) return null;
    before.sinceMs = nowMs;
    return before.attempts++;
  }
}
