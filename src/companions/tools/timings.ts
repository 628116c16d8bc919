/**
 * The durations of messages, logged once for every `every` messages.
 *
 * Bound: the last `every` durations. Thread: main. Source: bitly's `timer_metrics`.
 */

const FEW = 100;

export class Timings {
  readonly #every: number;
  readonly #prefix: string;
  readonly #log: (line: string) => void;
  readonly #durations: number[] = [];
  #position = 0;

  /** `every` 0: no lines. */
  constructor(every: number, prefix: string, log: (line: string) => void) {
    this.#every = every;
    this.#prefix = prefix;
    this.#log = log;
    if (every > 0 && every < FEW) {
      log(
        `Warning: use more than ${FEW} status values for accurate percentiles (configured with ${every})`,
      );
    }
  }

  add(tookMs: number): void {
    if (this.#every <= 0) return;
    const isFull = this.#position === this.#every;
    if (isFull) this.#position = 0;
    this.#durations[this.#position] = tookMs;
    this.#position += 1;
    if (isFull) this.#log(this.#line());
  }

  #line(): string {
    const sorted = this.#durations.toSorted((a, b) => a - b);
    const average = sorted.reduce((sum, ms) => sum + ms, 0) / sorted.length;
    return (
      `${this.#prefix} finished ${sorted.length} - 99th: ${spell(percentile(sorted, 0.99))} - ` +
      `95th: ${spell(percentile(sorted, 0.95))} - avg: ${spell(average)}`
    );
  }
}

function percentile(sorted: readonly number[], share: number): number {
  const index = Math.ceil(share * sorted.length + 0.5);
  return sorted[Math.min(index, sorted.length - 1)];
}

function spell(ms: number): string {
  return `${ms.toFixed(2)}ms`;
}
