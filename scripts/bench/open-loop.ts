/**
 * A load that comes at its own times, whatever the server does with it: each piece of it has a time at which it is
 * due, and counts from then even if it could only be sent later. Otherwise a server that stalls would also
 * stop the clock that measures it.
 *
 * Bound: UNANSWERED_BYTES_MAX are sent and not answered. What comes due beyond stays here until the server has
 * answered, still counts from when it was due, and is counted as held back.
 */

import type { Clock } from '../../src/shared/clock.ts';

/** More than any server answers later than it should; less than fills the generator's memory when one stands still. */
const UNANSWERED_BYTES_MAX = 64 * 1024 * 1024;
/** Between two looks whether there is room again. */
const HELD_BACK_MS = 10;

/** How many commands of this size an open loop may have sent without an answer. */
export function unansweredMax(commandBytes: number): number {
  return Math.max(1, Math.floor(UNANSWERED_BYTES_MAX / commandBytes));
}

export class OpenLoop {
  readonly total: number;
  readonly #perMs: number;
  readonly #startMs: number;
  #taken = 0;
  /** All before this have been due when they were taken, or have been counted as held back. */
  #seenDue = 0;
  #heldBack = 0;

  /** The first piece is due at `startMs`, the others evenly after it. */
  constructor(ratePerSecond: number, total: number, startMs: number) {
    this.#perMs = ratePerSecond / 1000;
    this.total = total;
    this.#startMs = startMs;
  }

  /** How many pieces have been taken; the index of the next one. */
  get taken(): number {
    return this.#taken;
  }

  /** How many pieces could not be taken when they came due. */
  get heldBack(): number {
    return this.#heldBack;
  }

  /** Takes what has come due, as far as there is room; returns how many pieces that is. */
  take(nowMs: number, room: number): number {
    const due = Math.min(this.total, Math.floor((nowMs - this.#startMs) * this.#perMs) + 1);
    const count = Math.max(0, Math.min(due - this.#taken, room));
    this.#taken += count;
    this.#heldBack += Math.max(0, due - Math.max(this.#taken, this.#seenDue));
    this.#seenDue = Math.max(this.#seenDue, due);
    return count;
  }

  /** When a piece is due. */
  dueMs(index: number): number {
    return this.#startMs + index / this.#perMs;
  }
}

/**
 * Sends everything at its time: `send` gets the first index and how many. `room` says how many may be sent now, at
 * most `total`. `pause` lets other things happen, for at most the given ms.
 */
export async function runOpenLoop(
  loop: OpenLoop,
  clock: Pick<Clock, 'monotonicMs'>,
  room: () => number,
  send: (first: number, count: number, nowMs: number) => void,
  pause: (maxMs: number) => Promise<void>,
): Promise<void> {
  while (loop.taken < loop.total) {
    const nowMs = clock.monotonicMs();
    const first = loop.taken;
    const available = room();
    const count = loop.take(nowMs, available);
    if (count > 0) send(first, count, nowMs);
    if (loop.taken === loop.total) return;
    const dueInMs = loop.dueMs(loop.taken) - nowMs;
    const isHeldBack = count === available && dueInMs < HELD_BACK_MS;
    await pause(isHeldBack ? HELD_BACK_MS : Math.max(0, dueInMs));
  }
}
