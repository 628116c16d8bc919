/**
 * The progress of runs: one line that is overwritten on a terminal; elsewhere a plain line now and then. It goes to
 * stderr, so that stdout contains only results.
 */

import type { Clock } from '../../src/shared/clock.ts';

/** The part of stderr that is used. */
export type ProgressOutput = {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
};

/** The interval between two lines if there is no terminal. */
const PLAIN_MS = 10_000;
const COLUMNS_DEFAULT = 80;
const CLEAR_LINE = '\r\u001b[K';

export class ProgressLine {
  readonly #output: ProgressOutput;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  #nextMs: number;
  #isShown = false;

  constructor(output: ProgressOutput, clock: Pick<Clock, 'monotonicMs'>) {
    this.#output = output;
    this.#clock = clock;
    this.#nextMs = clock.monotonicMs() + PLAIN_MS;
  }

  /** Shows the progress. */
  update(text: string): void {
    if (this.#output.isTTY === true) {
      const columns = this.#output.columns ?? COLUMNS_DEFAULT;
      this.#output.write(`${CLEAR_LINE}${text.slice(0, columns - 1)}`);
      this.#isShown = true;
      return;
    }
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < this.#nextMs) return;
    this.#nextMs = nowMs + PLAIN_MS;
    this.#output.write(`${text}\n`);
  }

  /** Prints a line that stays, on stdout. */
  print(text: string): void {
    this.clear();
    console.log(text);
  }

  /** Removes the line, before something else is printed. */
  clear(): void {
    if (!this.#isShown) return;
    this.#isShown = false;
    this.#output.write(CLEAR_LINE);
  }
}
