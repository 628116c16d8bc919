/**
 * Divides the turns of the event loop among the connections of an HTTP server: each handles one request in a turn, and
 * a pipelined one that follows waits for a later turn. Otherwise a client that pipelines delays all others.
 *
 * Bound: RESUMED_PER_TURN waiting requests in a turn, besides one of each connection that has sent something.
 * Thread: main.
 */

/** About half a millisecond's work. */
const RESUMED_PER_TURN = 16;

export class RequestTurns {
  readonly #later: (callback: () => void) => void;
  #turn = 0;
  #isEndRequested = false;
  /** In the order in which they began to wait. */
  #waiting: (() => void)[] = [];

  /** `later` calls back in the next turn of the event loop. */
  constructor(later: (callback: () => void) => void = setImmediate) {
    this.#later = later;
  }

  /** The number of the current turn. */
  current(): number {
    this.#requestEnd();
    return this.#turn;
  }

  /** Calls back in a later turn. */
  wait(resume: () => void): void {
    this.#waiting.push(resume);
    this.#requestEnd();
  }

  #requestEnd(): void {
    if (this.#isEndRequested) return;
    this.#isEndRequested = true;
    this.#later(() => this.#next());
  }

  #next(): void {
    this.#isEndRequested = false;
    this.#turn++;
    if (this.#waiting.length === 0) return;
    const resumed = this.#waiting.slice(0, RESUMED_PER_TURN);
    this.#waiting = this.#waiting.slice(RESUMED_PER_TURN);
    if (this.#waiting.length > 0) this.#requestEnd();
    for (const resume of resumed) resume();
  }
}
