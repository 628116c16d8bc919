/**
 * The end of main's turn: what is done once for all that one pass of the event loop has brought, instead of
 * once for each command. Rings are published and bells rung, deliveries read, sockets written.
 *
 * Thread: main.
 */

export class Turn {
  readonly #onEnd: () => void;
  #isRequested = false;

  /** `onEnd` is called at the end of every turn that has asked for it. */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  /** Has the end of this turn carried out, once. */
  request(): void {
    if (this.#isRequested) return;
    this.#isRequested = true;
    // Comes after all sockets of this pass of the event loop have been read.
    setImmediate(() => {
      this.#isRequested = false;
      this.#onEnd();
    });
  }
}
