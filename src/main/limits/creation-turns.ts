/**
 * Divides the turns of the main thread among the clients that create topics and channels: each turn creates a few, and
 * the others wait for a later turn. Creating one takes a request to its pump, log lines, and a part of nsqd.dat, a
 * hundred times the cost of a publish.
 *
 * Bound: CREATED_PER_TURN, for all clients together. One connection or request waits once.
 * Thread: main.
 */

import { type Later, TurnQueue } from '../../daemon/turn-queue.ts';

/** About 1 ms of work. */
const CREATED_PER_TURN = 8;

export class CreationTurns {
  readonly #queue: TurnQueue;
  #left = CREATED_PER_TURN;

  /** `later` calls back at the end of main's turn. */
  constructor(later: Later) {
    const onTurn = (): void => {
      this.#left = CREATED_PER_TURN;
    };
    // A caller that is resumed creates one, so more of them would only wait again, behind the others.
    this.#queue = new TurnQueue(onTurn, later, CREATED_PER_TURN);
  }

  /** Whether one may be created in this turn, which counts it. */
  tryTake(): boolean {
    if (this.#left === 0) return false;
    this.#left--;
    this.#queue.use();
    return true;
  }

  /** Calls back in a later turn, to try again. */
  wait(resume: () => void): void {
    this.#queue.wait(resume);
  }

  /** Resolves when one may be created, which counts it. */
  async take(): Promise<void> {
    while (!this.tryTake()) await new Promise<void>((resolve) => this.wait(resolve));
  }
}
