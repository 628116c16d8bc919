/**
 * A run of a topic's messages on its way to the topic's channels, in as many turns as that takes: a topic may have a
 * hundred thousand channels, and others are served in between.
 *
 * It stops for a turn when the turn's budget is used up, and for longer while the topic has much on its way to the
 * disk. Channels that are created meanwhile get nothing of it; those that are deleted neither.
 *
 * Bound: one for each topic; what is published meanwhile waits in the topic's queue.
 * Thread: pump.
 */

import type { Receipt } from './backend/receipt.ts';
import type { Channel } from './channel.ts';

/** Up to so many channels get a run at once; of more channels, all topics together serve so many in a turn. */
export type HandOverBounds = { readonly atOnce: number; readonly perTurn: number };

/** Some milliseconds' work: a put into a channel that was idle for long takes several microseconds. */
const DEFAULT_BOUNDS: HandOverBounds = { atOnce: 16, perTurn: 1024 };

/** How many channels may still be served in this turn, for all topics that have many. */
export class HandOverBudget {
  left: number;
  readonly bounds: HandOverBounds;

  constructor(bounds = DEFAULT_BOUNDS) {
    this.bounds = bounds;
    this.left = bounds.perTurn;
  }

  /** A turn begins. */
  renew(): void {
    this.left = this.bounds.perTurn;
  }
}

/** What is handed over. Units: `dueMs` in ms, 0 for at once: monotonic, but Unix time for a transfer. */
export type HandedRun = {
  readonly position: number;
  readonly count: number;
  readonly dueMs: number;
  /** Of what was read from the topic's files, and waits there until the files of all channels have it. */
  readonly transfer: Receipt | null;
  /** Of a publisher that waits. */
  readonly receipt: Receipt | null;
};

/** When the run is due, or 0 if its time has come on the way. Units: `nowMs` monotonic, `unixMs` Unix time. */
export function dueMsLeft({ dueMs, transfer }: HandedRun, nowMs: number, unixMs: number): number {
  return dueMs > (transfer === null ? nowMs : unixMs) ? dueMs : 0;
}

/** Whether it goes on while the topic has much on its way to the disk. */
interface Holding {
  readonly isHeld: boolean;
}

export class HandOver {
  readonly run: HandedRun;
  /** Those that were there when it began: numbers only rise. */
  readonly #channels: Iterator<[number, Channel]>;
  readonly #lastNumber: number;

  /** `lastNumber` is that of the last channel. */
  constructor(run: HandedRun, channels: ReadonlyMap<number, Channel>, lastNumber: number) {
    this.run = run;
    this.#channels = channels.entries();
    this.#lastNumber = lastNumber;
  }

  /** Calls `put` for further channels. Returns whether there are no more. */
  step(budget: HandOverBudget, backlog: Holding, put: (channel: Channel) => void): boolean {
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
