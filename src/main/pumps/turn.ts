/**
 * The end of main's turn: work that is done once per pass of the event loop instead of once per command. Rings are
 * published and bells rung, deliveries read, sockets written.
 *
 * Thread: main.
 */

export class Turn {
  readonly #onEnd: () => void;
  #isRequested = false;

  /** `onEnd` is called at the end of every turn that requested it. */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  /** Requests the end of this turn, once. */
  request(): void {
    if (this.#isRequested) return;
    this.#isRequested = true;
    // Runs after all sockets of this pass of the event loop have been read.
    setImmediate(() => {
      this.#isRequested = false;
      this.#onEnd();
    });
  }
}
