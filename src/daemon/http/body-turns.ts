/**
 * Divides the turns of the event loop among the bodies that arrive in parts: when a turn has taken many bytes, the
 * others wait for a later one. Filling fresh memory is slow: the system commits each page when it is first written.
 *
 * Bound: BYTES_PER_TURN, plus one part of each request that sends something. A part is at most 64 KiB, and `TurnQueue`
 * resumes a few of them in a turn.
 * Thread: main.
 */

import { type Later, TurnQueue } from '../turn-queue.ts';

/**
 * The cost of handling a part, in bytes: even a part of one byte takes as long as copying this many. Node's parser
 * makes a part of each chunk of a chunked body.
 */
const PART_BYTES = 512;
/** About 2 ms where the memory is fresh. */
const BYTES_PER_TURN = 1024 * 1024;

export class BodyTurns {
  readonly #queue: TurnQueue;
  #left = BYTES_PER_TURN;

  /** `later` calls back in the next turn of the event loop. */
  constructor(later: Later = setImmediate) {
    this.#queue = new TurnQueue(() => {
      this.#left = BYTES_PER_TURN;
    }, later);
  }

  /** A part has arrived. Returns whether its body may continue in this turn. */
  take(bytes: number): boolean {
    this.#left -= PART_BYTES + bytes;
    this.#queue.use();
    return this.#left > 0;
  }

  /** Calls back in a later turn. */
  wait(resume: () => void): void {
    this.#queue.wait(resume);
  }
}
