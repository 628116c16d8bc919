/**
 * Pauses on their way to the store. A pause that the store cannot save now is retried, because it must hold at every
 * broker.
 *
 * Bound: the last pause of each queue.
 * Thread: stream.
 */

import { errorText } from '../../shared/error-text.ts';
import type { StreamQueue } from './stream-queue.ts';
import type { StreamStore } from './stream-store.ts';

/** Delay before the next attempt. */
const RETRY_MS = 1000;

/** A pause: its next attempt is due then; null while one is under way. Units: ms, monotonic. */
type Pause = { readonly isPaused: boolean; dueMs: number | null };

export class StreamPauses {
  readonly #store: Pick<StreamStore, 'pause'>;
  readonly #nowMs: () => number;
  readonly #warn: (queue: StreamQueue, text: string) => void;
  readonly #pauses = new Map<StreamQueue, Pause>();

  /** `warn` gets the reason for another attempt, and makes sure that a turn follows. */
  constructor(
    store: Pick<StreamStore, 'pause'>,
    nowMs: () => number,
    warn: (queue: StreamQueue, text: string) => void,
  ) {
    this.#store = store;
    this.#nowMs = nowMs;
    this.#warn = warn;
  }

  /** When the next attempt is due; Infinity if there is none. Units: ms, monotonic. */
  get dueMs(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { dueMs } of this.#pauses.values()) next = Math.min(next, dueMs ?? next);
    return next;
  }

  /** Takes the place of an earlier pause of the queue, which is open. */
  set(queue: StreamQueue, isPaused: boolean): void {
    this.#try(queue, { isPaused, dueMs: null });
  }

  /** Makes the attempts that are due. Units: ms, monotonic. */
  step(nowMs: number): void {
    for (const [queue, pause] of this.#pauses) {
      if (pause.dueMs === null || pause.dueMs > nowMs) continue;
      if (queue.state === 'closed' || queue.isGone) this.#pauses.delete(queue);
      else this.#try(queue, pause);
    }
  }

  #try(queue: StreamQueue, pause: Pause): void {
    pause.dueMs = null;
    this.#pauses.set(queue, pause);
    // Another one may have taken its place meanwhile.
    const isLast = (): boolean => this.#pauses.get(queue) === pause;
    this.#store.pause(queue.name, pause.isPaused).then(
      () => {
        if (isLast()) this.#pauses.delete(queue);
      },
      (error: unknown) => {
        if (!isLast()) return;
        pause.dueMs = this.#nowMs() + RETRY_MS;
        const what = pause.isPaused ? 'pause' : 'resume';
        this.#warn(queue, `failed to ${what} ${queue.title} at all brokers - ${errorText(error)}`);
      },
    );
  }
}
