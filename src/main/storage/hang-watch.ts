/**
 * Detects a disk that hangs: it returns neither a result nor an error, so no other check notices.
 *
 * A caller of the disk increments a counter at the start and at the end of a call. A counter that stays at the same odd
 * value belongs to a call that has not returned.
 *
 * Thread: main. Source: nsqd does not detect this.
 */

import type { Logger } from '../../daemon/log.ts';
import type { Clock, Timer } from '../../shared/clock.ts';

/** A caller of the disk. */
export interface DiskCaller {
  /** Odd during a call to the disk; changes with every call. */
  count(): number;
}

/** The dependencies of the watch. */
export type HangWatchSetup = {
  readonly callers: readonly DiskCaller[];
  /** The time that a call may take. Units: ms. */
  readonly patienceMs: number;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'error' | 'info'>;
};

/** The interval between checks. Units: ms. */
const LOOK_MS = 500;

export class HangWatch {
  readonly #setup: HangWatchSetup;
  /** The last count of each caller, and for how long it has not changed. */
  readonly #seen: { count: number; stuckMs: number }[];
  #timer: Timer | null = null;
  #failure: string | null = null;
  #stuckMs = 0;

  constructor(setup: HangWatchSetup) {
    this.#setup = setup;
    this.#seen = setup.callers.map(() => ({ count: 0, stuckMs: 0 }));
  }

  /** The reason that the disk is unhealthy, or null. */
  get failure(): string | null {
    return this.#failure;
  }

  /** The age of the longest call. Units: ms. */
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
      // Ticks are counted instead of time: if the process itself was stopped for a while, the disk did not hang.
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
