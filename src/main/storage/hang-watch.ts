/**
 * Notices a disk that hangs: it gives neither an answer nor an error, so nothing else ever says that it is not well.
 *
 * A caller of the disk counts the start and the end of a call; a count that is odd and stays the same belongs to a
 * call that has not come back.
 *
 * Thread: main. Source: nsqd does not notice.
 */

import type { Logger } from '../../daemon/log.ts';
import type { Clock, Timer } from '../../shared/clock.ts';

/** A user of the disk. */
export interface DiskCaller {
  /** Odd while it waits for the disk; another number each time. */
  count(): number;
}

/** Its dependencies. */
export type HangWatchSetup = {
  readonly callers: readonly DiskCaller[];
  /** How long a call may take. Units: ms. */
  readonly patienceMs: number;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'error' | 'info'>;
};

/** How often it looks. Units: ms. */
const LOOK_MS = 500;

export class HangWatch {
  readonly #setup: HangWatchSetup;
  /** For each caller its last count, and for how long that has not changed. */
  readonly #seen: { count: number; stuckMs: number }[];
  #timer: Timer | null = null;
  #failure: string | null = null;
  #stuckMs = 0;

  constructor(setup: HangWatchSetup) {
    this.#setup = setup;
    this.#seen = setup.callers.map(() => ({ count: 0, stuckMs: 0 }));
  }

  /** Why the disk is not well, or null. */
  get failure(): string | null {
    return this.#failure;
  }

  /** For how long the longest call has not come back. Units: ms. */
  get stuckMs(): number {
    return this.#stuckMs;
  }

  start(): void {
    this.#timer = this.#setup.clock.after(LOOK_MS, () => {
      this.#look();
      this.start();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #look(): void {
    let stuckMs = 0;
    for (const [index, caller] of this.#setup.callers.entries()) {
      const seen = this.#seen[index];
      const count = caller.count();
      // Counted, not measured: a process that was stopped for a while is no disk that hangs.
      seen.stuckMs = count === seen.count && count % 2 !== 0 ? seen.stuckMs + LOOK_MS : 0;
      seen.count = count;
      stuckMs = Math.max(stuckMs, seen.stuckMs);
    }
    this.#stuckMs = stuckMs;
    if (stuckMs >= this.#setup.patienceMs) this.#onStuck(stuckMs);
    else if (this.#failure !== null) {
      this.#failure = null;
      this.#setup.logger.info('the disk answers again');
    }
  }

  #onStuck(stuckMs: number): void {
    const isNew = this.#failure === null;
    this.#failure = `the disk does not answer, for ${Math.floor(stuckMs / 1000)} s now`;
    if (isNew) this.#setup.logger.error(this.#failure);
  }
}
