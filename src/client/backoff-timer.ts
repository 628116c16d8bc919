/**
 * A consumer's backoff. A failure pauses delivery; then one message is delivered as a probe. If it fails, the pauses
 * grow; if it succeeds, they shrink, until delivery resumes fully.
 *
 * Messages that are answered during a pause change nothing: many failures at once count as one.
 *
 * Thread: any. Source: go-nsq `Consumer.startStopContinueBackoff`.
 */

import { type CoarseTimer, CoarseTimers } from './coarse-timers.ts';
import type { Environment } from './environment.ts';

/** The lengths of the pauses. */
export type BackoffSettings = {
  /** The unit: the first pause is twice as long. Units: ms. */
  readonly baseMs: number;
  /** The longest pause. 0: no pauses. Units: ms. */
  readonly maxMs: number;
  /** From 0 to 1: the random share of a pause. */
  readonly jitter: number;
};

/** Learns when to stop, to probe, and to resume. */
export type BackoffListener = {
  onBackoff(level: number, delayMs: number): void;
  onProbe(): void;
  onResume(): void;
};

/** The backoff of one consumer. */
export class BackoffTimer {
  readonly #settings: BackoffSettings;
  readonly #listener: BackoffListener;
  readonly #random: () => number;
  readonly #timer: CoarseTimer;
  #level = 0;
  #isClosed = false;

  constructor(settings: BackoffSettings, environment: Environment, listener: BackoffListener) {
    this.#settings = settings;
    this.#listener = listener;
    this.#random = environment.random;
    this.#timer = CoarseTimers.of(environment.clock).timer(() => this.#listener.onProbe());
  }

  /** The number of failures in a row; 0 without backoff. */
  get level(): number {
    return this.#level;
  }

  /** Whether delivery is paused. */
  get isWaiting(): boolean {
    return this.#timer.isSet;
  }

  /** Reports a finished message. */
  success(): void {
    if (this.#level === 0 || this.#timer.isSet || this.#isClosed) return;
    this.#level--;
    if (this.#level > 0) this.#wait();
    else this.#listener.onResume();
  }

  /** Reports a failed message. */
  failure(): void {
    if (this.#settings.maxMs === 0 || this.#timer.isSet || this.#isClosed) return;
    if (this.#level === 0 || this.#pauseMs(this.#level + 1) <= this.#settings.maxMs) this.#level++;
    this.#wait();
  }

  /** From now on nothing counts. */
  close(): void {
    this.#isClosed = true;
    this.#timer.clear();
  }

  #wait(): void {
    const pauseMs = Math.min(this.#pauseMs(this.#level), this.#settings.maxMs);
    const delayMs = pauseMs * (1 - this.#settings.jitter * this.#random());
    this.#timer.setIn(delayMs);
    this.#listener.onBackoff(this.#level, delayMs);
  }

  #pauseMs(level: number): number {
    return this.#settings.baseMs * 2 ** level;
  }
}
