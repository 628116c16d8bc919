/**
 * An open loop: each piece of the load is due at a fixed time, whatever the server does, and counts from that time even
 * if it could only be sent later. Otherwise a server that stalls would also stop the clock that measures it.
 *
 * Bound: UNANSWERED_BYTES_MAX are sent and not answered. Pieces that come due beyond that wait until the server has
 * answered; they still count from when they were due, and are counted as held back.
 */

import type { Clock } from '../../src/shared/clock.ts';

/** More than the backlog of any working server; less than would fill the generator's memory if one hangs. */
const UNANSWERED_BYTES_MAX = 64 * 1024 * 1024;
/** The interval between two checks for room. */
const HELD_BACK_MS = 10;

/** How many commands of this size an open loop may have unanswered. */
export function unansweredMax(commandBytes: number): number {
  return Math.max(1, Math.floor(UNANSWERED_BYTES_MAX / commandBytes));
}

export class OpenLoop {
  readonly total: number;
  readonly #perMs: number;
  readonly #startMs: number;
  #taken = 0;
  /** All pieces before this one were due when they were taken, or have been counted as held back. */
  #seenDue = 0;
  #heldBack = 0;

  /** The first piece is due at `startMs`, the others follow evenly. */
  constructor(ratePerSecond: number, total: number, startMs: number) {
    this.#perMs = ratePerSecond / 1000;
    this.total = total;
    this.#startMs = startMs;
  }

  /** How many pieces have been taken, which is the index of the next one. */
  get taken(): number {
    return this.#taken;
  }

  /** How many pieces could not be taken when they came due. */
  get heldBack(): number {
    return this.#heldBack;
  }

  /** Takes the pieces that are due, as far as there is room. Returns their number. */
  take(nowMs: number, room: number): number {
    const due = Math.min(this.total, Math.floor((nowMs - this.#startMs) * this.#perMs) + 1);
    const count = Math.max(0, Math.min(due - this.#taken, room));
    this.#taken += count;
    this.#heldBack += Math.max(0, due - Math.max(this.#taken, this.#seenDue));
    this.#seenDue = Math.max(this.#seenDue, due);
    return count;
  }

  /** The time at which a piece is due. */
  dueMs(index: number): number {
    return this.#startMs + index / this.#perMs;
  }
}

/**
 * Sends every piece at its time: `send` gets the index of the first and their number. `room` returns how many may be
 * sent now, at most `total`. `pause` gives other work its turn, for at most this many ms.
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
