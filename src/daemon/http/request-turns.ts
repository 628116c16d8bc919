/**
 * Divides the turns of the event loop among the connections of an HTTP server: each handles one request in a turn, and
 * a pipelined one that follows waits for a later turn, as does a request of another connection when the turn has had
 * many. Otherwise a client that pipelines, or very many clients, delay all others.
 *
 * Bound: BEGUN_PER_TURN requests in a turn, of which RESUMED_PER_TURN may have waited.
 * Thread: main.
 */

/** A request that creates a topic or channel takes 0.15 ms; most take a fifth of that. */
const BEGUN_PER_TURN = 32;
const RESUMED_PER_TURN = 16;

export class RequestTurns {
  readonly #later: (callback: () => void) => void;
  #turn = 0;
  /** Requests that were begun in this turn. */
  #begun = 0;
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

  /** Whether another request may begin in this turn. */
  get hasRoom(): boolean {
    return this.#begun < BEGUN_PER_TURN;
  }

  /** A request begins. */
  begin(): void {
    this.#begun++;
    this.#requestEnd();
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
    this.#begun = 0;
    if (this.#waiting.length === 0) return;
    const resumed = this.#waiting.slice(0, RESUMED_PER_TURN);
    this.#waiting = this.#waiting.slice(RESUMED_PER_TURN);
    if (this.#waiting.length > 0) this.#requestEnd();
    for (const resume of resumed) resume();
  }
}
