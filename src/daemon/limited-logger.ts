/**
 * A log for events that outsiders can cause at will: it writes a limited number of lines per period and counts the
 * rest.
 *
 * Thread: main.
 */

import type { Clock } from '../shared/clock.ts';
import type { Logger } from './log.ts';

/** The levels that are limited. Debug lines are not: an operator who enables them wants all of them. */
type LimitedLevel = 'info' | 'warn' | 'error';

const PERIOD_MS = 10_000;
const LINES_MAX = 100;

export class LimitedLogger implements Pick<Logger, LimitedLevel | 'debug'> {
  readonly #logger: Pick<Logger, LimitedLevel | 'debug'>;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  #periodEndMs = Number.NEGATIVE_INFINITY;
  #lineCount = 0;
  /** Lines suppressed since the last one that was written. */
  #unwrittenCount = 0;

  constructor(logger: Pick<Logger, LimitedLevel | 'debug'>, clock: Pick<Clock, 'monotonicMs'>) {
    this.#logger = logger;
    this.#clock = clock;
  }

  debug(text: string): void {
    this.#logger.debug(text);
  }

  info(text: string): void {
    this.#write('info', text);
  }

  warn(text: string): void {
    this.#write('warn', text);
  }

  error(text: string): void {
    this.#write('error', text);
  }

  /** The first line of a period tells how many lines of the previous one are missing. */
  #write(level: LimitedLevel, text: string): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs >= this.#periodEndMs) {
      this.#periodEndMs = nowMs + PERIOD_MS;
      this.#lineCount = 0;
    }
    if (this.#lineCount === LINES_MAX) {
      this.#unwrittenCount++;
      return;
    }
    this.#lineCount++;
    const others = this.#unwrittenCount === 0 ? '' : ` (and ${this.#unwrittenCount} lines before)`;
    this.#unwrittenCount = 0;
    this.#logger[level](text + others);
  }
}
