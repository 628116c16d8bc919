/**
 * The last entries of a log, for remote viewers.
 *
 * Bound: ENTRIES_MAX entries of TEXT_MAX characters; older entries are dropped, longer ones cut.
 * Thread: main.
 */

import type { Clock } from '../shared/clock.ts';
import type { LogEntries, LogLevel } from './log.ts';

const ENTRIES_MAX = 500;
const TEXT_MAX = 1000;
const NS_PER_MS = 1_000_000n;

/** An entry; `number` counts from 1. Units: `timeMs` in Unix ms. */
export type TailEntry = {
  readonly number: number;
  readonly timeMs: number;
  readonly level: LogLevel;
  readonly text: string;
};

export class LogTail implements LogEntries {
  readonly #clock: Pick<Clock, 'unixNs'>;
  /** A ring: the entry of a number is at its remainder. */
  readonly #entries: TailEntry[] = [];
  #lastNumber = 0;

  constructor(clock: Pick<Clock, 'unixNs'>) {
    this.#clock = clock;
  }

  /** The number of the newest entry; 0 without one. */
  get lastNumber(): number {
    return this.#lastNumber;
  }

  write(level: LogLevel, text: string): void {
    const number = ++this.#lastNumber;
    const cut = text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text;
    const timeMs = Number(this.#clock.unixNs() / NS_PER_MS);
    this.#entries[number % ENTRIES_MAX] = { number, timeMs, level, text: cut };
  }

  /** The entries after this number that are still there, oldest first. */
  since(number: number): TailEntry[] {
    const entries: TailEntry[] = [];
    const first = Math.max(number, this.#lastNumber - ENTRIES_MAX) + 1;
    for (let at = first; at <= this.#lastNumber; at++)
      entries.push(this.#entries[at % ENTRIES_MAX]);
    return entries;
  }
}
