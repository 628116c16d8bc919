/**
 * A process that is restarted after a crash, after growing delays.
 *
 * The first start must succeed, because its failure is usually an error in the command line. A process that ends
 * cleanly by itself, as after `ringmq drain`, is not started again.
 *
 * Thread: main.
 */

import type { Logger } from '../../daemon/log.ts';
import type { Serving } from '../../daemon/supervisor-link.ts';
import type { Clock, Timer } from '../../shared/clock.ts';
import type { Child, Ending, LaunchChild } from './child-program.ts';

/** The state of the process. */
export type SupervisedState = 'starting' | 'serving' | 'waiting' | 'ending' | 'ended';

/** The program and its listeners. */
export type SupervisedSetup = {
  readonly name: string;
  readonly words: readonly string[];
  readonly launch: LaunchChild;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
  readonly onLine: (name: string, line: string) => void;
};

/** The first restart comes soon: most crashes do not happen again at once. */
const FIRST_DELAY_MS = 250;
const LAST_DELAY_MS = 30_000;
/** After serving for this long, the process has recovered from its crash. */
const STABLE_MS = 60_000;

export class Supervised {
  readonly name: string;
  /** Resolves when it has ended and is not started again. */
  readonly ended: Promise<void>;
  readonly #setup: SupervisedSetup;
  readonly #onEnded: () => void;
  readonly #first = Promise.withResolvers<Serving>();
  #state: SupervisedState = 'ended';
  #child: Child | null = null;
  #serving: Serving | null = null;
  #servingSinceMs = 0;
  #crashes = 0;
  #restarts = 0;
  #isEnding = false;
  #restart: Timer | null = null;
  #lastEnding: Ending | null = null;

  constructor(setup: SupervisedSetup) {
    this.name = setup.name;
    this.#setup = setup;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#onEnded = resolve;
    // If the caller never starts it, no one handles the rejection.
    this.#first.promise.catch(() => undefined);
  }

  get state(): SupervisedState {
    return this.#state;
  }

  /** Its ports, while it serves. */
  get serving(): Serving | null {
    return this.#state === 'serving' ? this.#serving : null;
  }

  get pid(): number | undefined {
    return this.#state === 'waiting' || this.#state === 'ended' ? undefined : this.#child?.pid;
  }

  /** The number of restarts. */
  get restarts(): number {
    return this.#restarts;
  }

  /** How it ended the last time. */
  get lastEnding(): Ending | null {
    return this.#lastEnding;
  }

  /** Starts it. Resolves with its ports. Errors: rejects if it ends before it serves. */
  start(): Promise<Serving> {
    this.#launch();
    return this.#first.promise;
  }

  /** Passes on a signal that does not end it, such as a reload. */
  signal(name: NodeJS.Signals): void {
    if (this.pid !== undefined) this.#child?.signal(name);
  }

  /** Ends it with this signal; a second one ends it at once. */
  end(name: NodeJS.Signals): void {
    this.#isEnding = true;
    if (this.#state === 'ended') return;
    if (this.#state === 'waiting') {
      this.#restart?.cancel();
      this.#finish();
      return;
    }
    this.#state = 'ending';
    this.#child?.signal(name);
  }

  #launch(): void {
    const { words, launch, name, onLine } = this.#setup;
    this.#state = 'starting';
    this.#child = launch(words, {
      onLine: (line) => onLine(name, line),
      onServing: (serving) => this.#onServing(serving),
      onEnded: (ending) => this.#onChildEnded(ending),
    });
  }

  #onServing(serving: Serving): void {
    this.#serving = serving;
    this.#servingSinceMs = this.#setup.clock.monotonicMs();
    if (!this.#isEnding) this.#state = 'serving';
    this.#first.resolve(serving);
  }

  #onChildEnded(ending: Ending): void {
    const { name, clock, logger } = this.#setup;
    const text = endingText(ending);
    this.#lastEnding = ending;
    if (this.#serving === null) {
      this.#finish();
      this.#first.reject(new Error(`${name} cannot start: it ${text}`));
    } else if (this.#isEnding) {
      if (ending.code !== 0) logger.error(`${name} did not end cleanly: it ${text}`);
      this.#finish();
    } else if (ending.code === 0) {
      logger.warn(`${name} has ended cleanly, and is not started again`);
      this.#finish();
    } else {
      const hasServed = this.#state === 'serving';
      if (hasServed && clock.monotonicMs() - this.#servingSinceMs >= STABLE_MS) this.#crashes = 0;
      const delayMs = Math.min(FIRST_DELAY_MS * 2 ** this.#crashes, LAST_DELAY_MS);
      this.#crashes++;
      this.#state = 'waiting';
      logger.error(`${name} has crashed: it ${text}; it starts again in ${delayMs} ms`);
      this.#restart = clock.after(delayMs, () => {
        this.#restarts++;
        this.#launch();
      });
    }
  }

  #finish(): void {
    this.#state = 'ended';
    this.#onEnded();
  }
}

function endingText({ code, signal }: Ending): string {
  return signal === null ? `ended with exit code ${code}` : `was killed by ${signal}`;
}
