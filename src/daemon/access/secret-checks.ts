/**
 * Checks secrets one at a time, because each check occupies a core for tens of milliseconds.
 *
 * Bound: at most CHECKS_MAX checks wait, and PER_HOST_MAX from one host; more are refused. Hosts take turns. After a
 * wrong secret there is a pause, so that a flood of wrong secrets leaves most of the core to other work.
 *
 * Thread: main.
 */

import type { Clock } from '../../shared/clock.ts';

/** Most checks that wait. */
const CHECKS_MAX = 256;
/** Most of them from one host. */
const PER_HOST_MAX = 8;
/** The pause after a wrong secret: three times the cost of a check. */
const PAUSE_MS = 250;

/** A check. Resolves with whether the secret is right. */
type Check = () => Promise<boolean>;

type Waiting = {
  readonly check: Check;
  readonly settle: (outcome: boolean | Promise<never>) => void;
};

export class SecretChecks {
  readonly #clock: Pick<Clock, 'after'>;
  /** By host, the next one first. */
  readonly #hosts = new Map<string, Waiting[]>();
  #count = 0;
  #isBusy = false;

  constructor(clock: Pick<Clock, 'after'>) {
    this.#clock = clock;
  }

  /** Checks a secret when it is the host's turn; undefined if too many checks wait. */
  add(host: string, check: Check): Promise<boolean> | undefined {
    const waiting = this.#hosts.get(host) ?? [];
    if (this.#count === CHECKS_MAX || waiting.length === PER_HOST_MAX) return undefined;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    waiting.push({ check, settle: resolve });
    this.#hosts.set(host, waiting);
    this.#count++;
    if (!this.#isBusy) this.#next();
    return promise;
  }

  #next(): void {
    const [entry] = this.#hosts;
    this.#isBusy = entry !== undefined;
    if (entry === undefined) return;
    const [host, waiting] = entry;
    const [{ check, settle }] = waiting.splice(0, 1);
    this.#count--;
    // The host goes to the end of the line.
    this.#hosts.delete(host);
    if (waiting.length > 0) this.#hosts.set(host, waiting);
    check().then(
      (isRight) => {
        settle(isRight);
        if (isRight) this.#next();
        else this.#clock.after(PAUSE_MS, () => this.#next()).unref();
      },
      (error: unknown) => {
        settle(Promise.reject(error));
        this.#next();
      },
    );
  }
}
