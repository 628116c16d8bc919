/**
 * Divides the turns of the main thread among those who create topics and channels: when a turn has had some, the others
 * wait for a later one. Creating one is a request to its pump, log lines, and a part of nsqd.dat: a hundred times the
 * cost of a publish.
 *
 * Bound: CREATED_PER_TURN, whoever asks. One connection or request waits once.
 * Thread: main.
 */

/** Some 1 ms. */
const CREATED_PER_TURN = 8;

export class Creations {
  /** Requests a `nextTurn`. */
  readonly #requestTurn: () => void;
  #left = CREATED_PER_TURN;
  /** In the order in which they began to wait. */
  #waiting: (() => void)[] = [];

  constructor(requestTurn: () => void) {
    this.#requestTurn = requestTurn;
  }

  /** Whether one may be created in this turn, which counts it. */
  tryTake(): boolean {
    if (this.#left === 0) return false;
    if (this.#left-- === CREATED_PER_TURN) this.#requestTurn();
    return true;
  }

  /** Calls back in a later turn, to try again. */
  wait(resume: () => void): void {
    this.#waiting.push(resume);
    this.#requestTurn();
  }

  /** Resolves when one may be created, which counts it. */
  async take(): Promise<void> {
    while (!this.tryTake()) await new Promise<void>((resolve) => this.wait(resolve));
  }

  nextTurn(): void {
    this.#left = CREATED_PER_TURN;
    if (this.#waiting.length === 0) return;
    const resumed = this.#waiting.slice(0, CREATED_PER_TURN);
    this.#waiting = this.#waiting.slice(CREATED_PER_TURN);
    if (this.#waiting.length > 0) this.#requestTurn();
    for (const resume of resumed) resume();
  }
}
