/**
 * Copies a run of a topic's messages to the topic's channels, over several turns if necessary: a topic may have a
 * hundred thousand channels, and other topics are served in between.
 *
 * It pauses until the next turn when the turn's budget is used up, and for longer while the topic has much on its way
 * to the disk. Channels that are created or deleted meanwhile get nothing of it.
 *
 * Bound: one for each topic; messages published meanwhile wait in the topic's queue.
 * Thread: pump.
 */

import type { Receipt } from './backend/append-lane.ts';
import type { Channel } from './channel.ts';
import type { MessageStore } from './store/message-store.ts';

/**
 * `atOnce`: up to this many channels get a run in the same turn. `perTurn`: with more channels, all topics together
 * serve this many in a turn.
 */
export type FanOutBounds = { readonly atOnce: number; readonly perTurn: number };

/** A few milliseconds of work: a put into a channel that was idle for long takes several microseconds. */
const DEFAULT_BOUNDS: FanOutBounds = { atOnce: 16, perTurn: 1024 };

/** How many channels may still be served in this turn, for all topics with many channels. */
export class FanOutBudget {
  left: number;
  readonly bounds: FanOutBounds;

  constructor(bounds = DEFAULT_BOUNDS) {
    this.bounds = bounds;
    this.left = bounds.perTurn;
  }

  /** Starts a turn. */
  renew(): void {
    this.left = this.bounds.perTurn;
  }
}

/** The run. Units: `dueMs` in ms, 0 for at once: monotonic, but Unix time for a transfer. */
export type FannedOutRun = {
  readonly position: number;
  readonly count: number;
  readonly dueMs: number;
  /** For a run from the topic's files, which stays there until the files of all channels have it. */
  readonly transfer: Receipt | null;
  /** The receipt of a publisher that waits. */
  readonly receipt: Receipt | null;
};

/** When the run is due, or 0 if it has become due on the way. Units: `nowMs` monotonic, `unixMs` Unix time. */
export function dueMsLeft(
  { dueMs, transfer }: FannedOutRun,
  nowMs: number,
  unixMs: number,
): number {
  return dueMs > (transfer === null ? nowMs : unixMs) ? dueMs : 0;
}

/** Whether the topic has too much on its way to the disk. */
interface Holding {
  readonly isHeld: boolean;
}

export class FanOut {
  readonly run: FannedOutRun;
  /** The channels that existed when it began: numbers only increase. */
  readonly #channels: Iterator<[number, Channel]>;
  readonly #lastNumber: number;

  /** `lastNumber` is the number of the last channel. */
  constructor(run: FannedOutRun, channels: ReadonlyMap<number, Channel>, lastNumber: number) {
    this.run = run;
    this.#channels = channels.entries();
    this.#lastNumber = lastNumber;
  }

  /** The bytes that count as on their way; a transferred run is in the topic's files. Units: bytes as disk records. */
  onTheWay(store: Pick<MessageStore, 'runBytes'>): { count: number; bytes: number } {
    const { position, count } = this.run;
    return { count, bytes: store.runBytes(position, count) };
  }

  /** Calls `put` for further channels. Returns whether there are no more. */
  step(budget: FanOutBudget, backlog: Holding, put: (channel: Channel) => void): boolean {
    do {
      const next = this.#channels.next();
      if (next.done === true) return true;
      const [number, channel] = next.value;
      if (number > this.#lastNumber) return true;
      put(channel);
      budget.left--;
    } while (budget.left > 0 && !backlog.isHeld);
    return false;
  }
}
