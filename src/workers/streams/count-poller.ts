/**
 * Requests the figures of all open topics and channels from the store, a few at a time, in turn.
 *
 * Thread: stream.
 */

import type { StreamQueue } from './stream-queue.ts';
import type { StreamFigures, StreamStore } from './stream-store.ts';

/** How often figures are requested, and for how many queues at a time. */
const ROUND_MS = 500;
const COUNT_MAX = 64;

/** The loop, as the rounds see it. */
export type CountPollerOptions = {
  readonly store: Pick<StreamStore, 'figures' | 'absence'>;
  readonly queues: () => Iterable<StreamQueue>;
  readonly onCounted: (queue: StreamQueue) => void;
  /** Figures of a channel; `end` is the place of the last message of its topic, as far as that is known. */
  readonly onChannel: (queue: StreamQueue, figures: StreamFigures, end: number) => void;
  /** The store does not have an open queue. */
  readonly onMissing: (queue: StreamQueue) => void;
};

export class CountPoller {
  /** When the next request is due. Units: ms, monotonic. */
  dueMs = 0;

  readonly #options: CountPollerOptions;
  /** The queues of the next requests. */
  #uncounted: StreamQueue[] = [];
  /** The place of the last message of each topic, since the round began. */
  readonly #ends = new Map<string, number>();

  constructor(options: CountPollerOptions) {
    this.#options = options;
  }

  /** A queue has been opened. */
  add(queue: StreamQueue): void {
    this.#uncounted.push(queue);
  }

  /** Sends the next requests. Units: ms, monotonic. */
  step(nowMs: number): void {
    const { store, queues } = this.#options;
    this.dueMs = nowMs + ROUND_MS;
    if (store.absence !== null) return;
    if (this.#uncounted.length === 0) {
      this.#ends.clear();
      this.#uncounted = [...queues()].filter(({ state }) => state === 'open');
    }
    for (const queue of this.#uncounted.splice(0, COUNT_MAX)) this.#count(queue);
  }

  #count(queue: StreamQueue): void {
    const { store, onCounted, onChannel, onMissing } = this.#options;
    const { topic, channel } = queue.name;
    store.figures(queue.name).then(
      (figures) => {
        if (figures === null) {
          if (queue.state === 'open' && store.absence === null) onMissing(queue);
          return;
        }
        const { unread, taken, messages } = figures;
        queue.figures.unread = unread;
        queue.figures.elsewhere = Math.max(0, taken - queue.heldCount);
        queue.figures.messages = messages;
        onCounted(queue);
        if (channel === '') this.#ends.set(topic, figures.readTo);
        else onChannel(queue, figures, this.#ends.get(topic) ?? 0);
      },
      // It may have no leader now. The next round follows in half a second.
      () => undefined,
    );
  }
}
