/** The progress of several loads: which one it is, and how long the others will take, judged by those that have run. */

import type { Clock } from '../../src/shared/clock.ts';
import type { ProgressLine } from '../kit/progress-line.ts';

/** Called with the place of a load. */
export type RunProgress = Pick<ProgressLine, 'update' | 'clear' | 'print'>;

const MS_PER_SECOND = 1000;
const S_PER_MINUTE = 60;

export class LoadProgress implements RunProgress {
  readonly #line: RunProgress;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #count: number;
  readonly #startMs: number;
  #number = 0;
  #left = '';

  constructor(line: RunProgress, clock: Pick<Clock, 'monotonicMs'>, count: number) {
    this.#line = line;
    this.#clock = clock;
    this.#count = count;
    this.#startMs = clock.monotonicMs();
  }

  /** The next load begins. */
  next(): void {
    const done = this.#number;
    this.#number++;
    if (done === 0) return;
    const perLoadMs = (this.#clock.monotonicMs() - this.#startMs) / done;
    this.#left = `, about ${durationText(perLoadMs * (this.#count - done))} left`;
  }

  update(text: string): void {
    const place = this.#count === 1 ? '' : `load ${this.#number} of ${this.#count}${this.#left}: `;
    this.#line.update(`${place}${text}`);
  }

  clear(): void {
    this.#line.clear();
  }

  print(text: string): void {
    this.#line.print(text);
  }
}

function durationText(ms: number): string {
  const seconds = Math.round(ms / MS_PER_SECOND);
  return seconds < S_PER_MINUTE ? `${seconds} s` : `${Math.ceil(seconds / S_PER_MINUTE)} min`;
}
