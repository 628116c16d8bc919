/**
 * Callers that wait for a later turn. Each turn resumes some of them, in the order in which they began to wait.
 *
 * Thread: main.
 */

const RESUMED_PER_TURN = 16;

/** Calls back once, when the current turn has ended. */
export type Later = (callback: () => void) => void;

export class TurnQueue {
  readonly #later: Later;
  readonly #onTurn: () => void;
  readonly #resumedPerTurn: number;
  #isEndRequested = false;
  #waiting: (() => void)[] = [];

  /**
   * `onTurn` is called when a turn begins after one that was in use, before anybody is resumed. `resumedPerTurn`: how
   * many callers a turn resumes.
   */
  constructor(onTurn: () => void, later: Later, resumedPerTurn = RESUMED_PER_TURN) {
    this.#onTurn = onTurn;
    this.#later = later;
    this.#resumedPerTurn = resumedPerTurn;
  }

  /** Something is done in this turn, so its end matters. */
  use(): void {
    if (this.#isEndRequested) return;
    this.#isEndRequested = true;
    this.#later(() => this.#next());
  }

  /** Calls back in a later turn. */
  wait(resume: () => void): void {
    this.#waiting.push(resume);
    this.use();
  }

  #next(): void {
    this.#isEndRequested = false;
    this.#onTurn();
    const resumed = this.#waiting.splice(0, this.#resumedPerTurn);
    if (this.#waiting.length > 0) this.use();
    for (const resume of resumed) resume();
  }
}
