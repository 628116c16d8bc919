/**
 * Callers that wait for a later turn of the event loop. Each turn resumes RESUMED_PER_TURN of them, in the order in
 * which they began to wait.
 *
 * Thread: main.
 */

const RESUMED_PER_TURN = 16;

export class TurnQueue {
  readonly #later: (callback: () => void) => void;
  readonly #onTurn: () => void;
  #isEndRequested = false;
  #waiting: (() => void)[] = [];

  /**
   * `onTurn` is called when a turn begins after one that was in use, before anybody is resumed. `later` calls back in
   * the next turn of the event loop.
   */
  constructor(onTurn: () => void, later: (callback: () => void) => void) {
    this.#onTurn = onTurn;
    this.#later = later;
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
    const resumed = this.#waiting.splice(0, RESUMED_PER_TURN);
    if (this.#waiting.length > 0) this.use();
    for (const resume of resumed) resume();
  }
}
