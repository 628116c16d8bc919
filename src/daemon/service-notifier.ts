/**
 * Notifies systemd that the program is ready, alive and stopping (`sd_notify`), if systemd requests it with
 * `NOTIFY_SOCKET` and `WATCHDOG_USEC`. Node has no datagrams on Unix sockets, so systemd's own program `systemd-notify`
 * sends them. Because that is another process, the unit needs `NotifyAccess=all`.
 *
 * Bound: one message at a time; while one is on its way, the newest of each kind waits.
 * Thread: main.
 */

import { execFile } from 'node:child_process';
import type { Clock, Timer } from '../shared/clock.ts';
import type { Logger } from './log.ts';

/** Runs a program. `onEnd` is called once: with null, or with why it has failed. */
export type RunProgram = (words: readonly string[], onEnd: (error: string | null) => void) => void;

/** The dependencies of the notifier. */
export type ServiceNotifierSetup = {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'warn'>;
  readonly run?: RunProgram;
};

const PROGRAM = 'systemd-notify';
const US_PER_MS = 1000;
/** systemd expects at least two signs of life in each period. */
const SIGNS_PER_PERIOD = 2;
/** If the program takes longer, systemd does not listen. */
const TIMEOUT_MS = 10_000;

export class ServiceNotifier {
  readonly #isAsked: boolean;
  readonly #pid: number;
  readonly #clock: Clock;
  readonly #logger: Pick<Logger, 'warn'>;
  readonly #run: RunProgram;
  /** Undefined without a watchdog. */
  readonly #intervalMs: number | undefined;
  readonly #waiting = new Set<string>();
  #isRunning = false;
  /** Whether the last message failed, and that was logged. */
  #hasWarned = false;
  #watchdog: Timer | null = null;

  constructor({ environment, pid, clock, logger, run = runNotify }: ServiceNotifierSetup) {
    this.#isAsked = (environment['NOTIFY_SOCKET'] ?? '') !== '';
    this.#pid = pid;
    this.#clock = clock;
    this.#logger = logger;
    this.#run = run;
    this.#intervalMs = this.#isAsked ? watchdogMs(environment, pid) : undefined;
  }

  /** The program is ready. From now on it sends signs of life as long as its event loop runs. */
  ready(): void {
    this.#send('READY=1');
    this.#watch();
  }

  /** The program ends, possibly before a pending message is sent, so this one does not wait for it. */
  stopping(): void {
    this.#watchdog?.cancel();
    this.#waiting.clear();
    if (this.#isAsked) this.#run(this.#words('STOPPING=1'), (error) => this.#warn(error));
  }

  #watch(): void {
    if (this.#intervalMs === undefined) return;
    this.#watchdog = this.#clock.after(this.#intervalMs, () => {
      this.#send('WATCHDOG=1');
      this.#watch();
    });
    this.#watchdog.unref();
  }

  #send(state: string): void {
    if (!this.#isAsked) return;
    this.#waiting.add(state);
    if (!this.#isRunning) this.#sendNext();
  }

  #sendNext(): void {
    const [state] = this.#waiting;
    if (state === undefined) return;
    this.#waiting.delete(state);
    this.#isRunning = true;
    this.#run(this.#words(state), (error) => {
      this.#isRunning = false;
      this.#warn(error);
      this.#sendNext();
    });
  }

  #words(state: string): string[] {
    return [`MAINPID=${this.#pid}`, state];
  }

  #warn(error: string | null): void {
    const isNew = error !== null && !this.#hasWarned;
    this.#hasWarned = error !== null;
    if (isNew) this.#logger.warn(`failed to notify systemd, it may end the broker - ${error}`);
  }
}

/** The interval between signs of life; undefined if systemd expects none from this process. */
function watchdogMs(
  environment: Readonly<Record<string, string | undefined>>,
  pid: number,
): number | undefined {
  const { WATCHDOG_USEC: period, WATCHDOG_PID: watched } = environment;
  if (watched !== undefined && watched !== String(pid)) return undefined;
  const periodMs = Number(period) / US_PER_MS;
  return periodMs > 0 ? periodMs / SIGNS_PER_PERIOD : undefined;
}

function runNotify(words: readonly string[], onEnd: (error: string | null) => void): void {
  execFile(PROGRAM, words, { timeout: TIMEOUT_MS }, (error) => onEnd(error?.message ?? null));
}
