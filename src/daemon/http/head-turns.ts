/**
 * Divides the turns of the event loop among heads that arrive in parts, and among long ones: when a turn has read many
 * bytes of them, the others wait for a later one. The parser takes about 1 µs for a field, and the shortest field has 4
 * bytes.
 *
 * Bound: BYTES_PER_TURN, plus one part of each head that is resumed or arrives by TLS. A part is at most 16 KiB.
 * Thread: main.
 */

import { type Later, TurnQueue } from '../turn-queue.ts';

/** About 8 ms where all fields are short. */
const BYTES_PER_TURN = 32 * 1024;
const RESUMED_PER_TURN = 4;

export class HeadTurns {
  readonly #queue: TurnQueue;
  #left = BYTES_PER_TURN;

  /** `later` calls back in the next turn of the event loop. */
  constructor(later: Later = setImmediate) {
    const onTurn = (): void => {
      this.#left = BYTES_PER_TURN;
    };
    this.#queue = new TurnQueue(onTurn, later, RESUMED_PER_TURN);
  }

  /** Whether another part may be read in this turn. */
  get hasRoom(): boolean {
    return this.#left > 0;
  }

  /** A part has been read. */
  take(bytes: number): void {
    this.#left -= bytes;
    this.#queue.use();
  }

  /** Calls back in a later turn. */
  wait(resume: () => void): void {
    this.#queue.wait(resume);
  }
}
