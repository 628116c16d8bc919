/**
 * When a consumer slows down. A failure stops the flow for a while; then one message may come, to try. If that fails
 * as well the pauses grow, if it succeeds they shrink, until all flows again.
 *
 * While it waits, what is still answered changes nothing: many failures at once count as one.
 *
 * Thread: any. Source: go-nsq `Consumer.startStopContinueBackoff`.
 */

import { type Alarm, Alarms } from './alarms.ts';
import type { Environment } from './environment.ts';

/** How long consumers wait. */
export type BackoffSettings = {
  /** The unit: the first pause is twice as long. Units: ms. */
  readonly baseMs: number;
  /** No pause is longer. 0: no pauses at all. Units: ms. */
  readonly maxMs: number;
  /** From 0 to 1: which share of a pause is left to chance. */
  readonly jitter: number;
};

/** Is told when to stop, to try, and to go on. */
export type BackoffListener = {
  onBackoff(level: number, delayMs: number): void;
  onProbe(): void;
  onResume(): void;
};

/** The pauses of one consumer. */
export class BackoffTimer {
  readonly #settings: BackoffSettings;
  readonly #listener: BackoffListener;
  readonly #random: () => number;
  readonly #alarm: Alarm;
  #level = 0;

  constructor(settings: BackoffSettings, environment: Environment, listener: BackoffListener) {
    this.#settings = settings;
    this.#listener = listener;
    this.#random = environment.random;
    this.#alarm = Alarms.of(environment.clock).alarm(() => this.#listener.onProbe());
  }

  /** How many failures in a row; 0 when all is well. */
  get level(): number {
    return this.#level;
  }

  /** Whether nothing may come yet. */
  get isWaiting(): boolean {
    return this.#alarm.isSet;
  }

  /** A message was finished. */
  success(): void {
    if (this.#level === 0 || this.#alarm.isSet) return;
    this.#level--;
    if (this.#level > 0) this.#wait();
    else this.#listener.onResume();
  }

  /** A message has failed. */
  failure(): void {
    if (this.#settings.maxMs === 0 || this.#alarm.isSet) return;
    if (this.#level === 0 || this.#pauseMs(this.#level + 1) <= this.#settings.maxMs) this.#level++;
    this.#wait();
  }

  close(): void {
    this.#alarm.clear();
  }

  #wait(): void {
    const pauseMs = Math.min(this.#pauseMs(this.#level), this.#settings.maxMs);
    const delayMs = pauseMs * (1 - this.#settings.jitter * this.#random());
    this.#alarm.setIn(delayMs);
    this.#listener.onBackoff(this.#level, delayMs);
  }

  #pauseMs(level: number): number {
    return this.#settings.baseMs * 2 ** level;
  }
}
