/**
 * Divides the turns of the event loop among the bodies that arrive in parts: when a turn has taken many bytes, the
 * others wait for a later one. Filling fresh memory is slow: the system commits each page when it is first written.
 *
 * Bound: BYTES_PER_TURN, plus one part of each request that sends something.
 * Thread: main.
 */

/** Some 2 ms where the memory is fresh. */
const BYTES_PER_TURN = 1024 * 1024;
/** A part is at most 64 KiB. */
const RESUMED_PER_TURN = 16;

export class BodyTurns {
  readonly #later: (callback: () => void) => void;
  #left = BYTES_PER_TURN;
  #isEndRequested = false;
  /** In the order in which they began to wait. */
  #waiting: (() => void)[] = [];

  /** `later` calls back in the next turn of the event loop. */
  constructor(later: (callback: () => void) => void = setImmediate) {
    this.#later = later;
  }

  /** A part has arrived. Returns whether its body may go on in this turn. */
  take(bytes: number): boolean {
    this.#left -= bytes;
    this.#requestEnd();
    return this.#left > 0;
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
    this.#left = BYTES_PER_TURN;
    const resumed = this.#waiting.slice(0, RESUMED_PER_TURN);
    this.#waiting = this.#waiting.slice(RESUMED_PER_TURN);
    if (this.#waiting.length > 0) this.#requestEnd();
    for (const resume of resumed) resume();
  }
}
