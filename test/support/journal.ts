/** Lines in the order of events, for a test that waits for some of them. */

import { Logger, type LogLevel } from '../../src/daemon/log.ts';
import { ManualClock } from './manual-clock.ts';

export class Journal {
  readonly lines: string[] = [];
  #onAdded: (() => void)[] = [];

  readonly add = (line: string): void => {
    this.lines.push(line);
    const waiting = this.#onAdded;
    this.#onAdded = [];
    for (const look of waiting) look();
  };

  /** Resolves with all lines once the wanted number of them match. */
  async until(pattern: RegExp, count = 1): Promise<readonly string[]> {
    while (this.matching(pattern).length < count) {
      await new Promise<void>((resolve) => this.#onAdded.push(resolve));
    }
    return this.lines;
  }

  matching(pattern: RegExp): string[] {
    return this.lines.filter((line) => pattern.test(line));
  }
}

/** A log whose lines are `LEVEL: text`. */
export function journalLogger(level: LogLevel = 'info'): { logger: Logger; log: Journal } {
  const log = new Journal();
  const timestampLength = '2026/11/21 12:00:00.000000 '.length;
  const logger = new Logger({
    prefix: '',
    level,
    sink: { write: (line) => log.add(line.slice(timestampLength, -1)), writeSync: () => undefined },
    clock: new ManualClock(),
  });
  return { logger, log };
}
