/**
 * What a long run says meanwhile: one line that changes on a terminal, a line now and then elsewhere.
 */

const PLAIN_PERIOD_MS = 5000;

export class Progress {
  readonly #isTerminal = process.stdout.isTTY;
  #lastMs = Number.NEGATIVE_INFINITY;

  /** Says how far it is; not every call is shown. */
  show(text: string): void {
    if (this.#isTerminal) {
      process.stdout.write(`\r\x1b[K${text}`);
      return;
    }
    const nowMs = performance.now();
    if (nowMs - this.#lastMs < PLAIN_PERIOD_MS) return;
    this.#lastMs = nowMs;
    console.log(text);
  }

  /** Says what stays on the screen. */
  line(text: string): void {
    if (this.#isTerminal) process.stdout.write('\r\x1b[K');
    console.log(text);
  }
}
