/**
 * Periodically queries all nsqlookupds for brokers and reports the union of their answers. Part of each interval is
 * random, so that clients that start together do not poll together. While no broker is known it polls more often.
 *
 * Where an nsqlookupd lets it watch the topic, a new broker is reported at once.
 *
 * If none of them answers, nothing is reported, and the known brokers stay.
 *
 * Bound: one round of queries at a time. Thread: any. Source: go-nsq `Consumer.lookupdLoop`, which queries one
 * nsqlookupd per round.
 */

import type { Address } from './address.ts';
import { type CoarseTimer, CoarseTimers } from './coarse-timers.ts';
import type { Environment } from './environment.ts';
import type { LookupdSettings } from './lookupd-options.ts';
import { queryLookupd } from './lookupd-query.ts';
import { LookupdWatch } from './lookupd-watch.ts';
import { NsqError } from './nsq-error.ts';

/** Receives the result of a round. */
export type LookupdListener = {
  /** The brokers that the nsqlookupds which answered know. */
  onFound(addresses: readonly Address[]): void;
  /** A round has ended, in which one answered at least. */
  onRound?(addresses: readonly string[]): void;
  /** One did not answer, or its answer is invalid. */
  onLookupError(error: NsqError): void;
};

/** The delay after a round that found nothing; it doubles each time. Units: ms. */
const EMPTY_MS_MIN = 1000;
/** After the loss of a broker, the next round starts within this time. Units: ms. */
const SOON_MS = 1000;

/** The queries of one client. */
export class LookupdPoller {
  readonly #topic: string | null;
  readonly #settings: LookupdSettings;
  readonly #environment: Environment;
  readonly #listener: LookupdListener;
  readonly #timer: CoarseTimer;
  readonly #watches: readonly LookupdWatch[];
  /** Brokers of the last round, and those that watches have found since it began. */
  #known: readonly Address[] = [];
  #watched: Address[] = [];
  #emptyRounds = 0;
  #isAsking = false;
  #isClosed = false;

  /** `topic`: null queries all brokers. */
  constructor(
    topic: string | null,
    settings: LookupdSettings,
    environment: Environment,
    listener: LookupdListener,
  ) {
    this.#topic = topic;
    this.#settings = settings;
    this.#environment = environment;
    this.#listener = listener;
    const timers = CoarseTimers.of(environment.clock);
    this.#timer = timers.timer(() => this.poll(), { holdsProcess: true });
    const onFound = (addresses: readonly Address[]): void => this.#onWatched(addresses);
    this.#watches =
      topic === null
        ? []
        : settings.urls.map((url) => new LookupdWatch(url, topic, settings, { onFound }));
  }

  /** Starts a round now, unless one is running. */
  poll(): void {
    if (this.#isAsking || this.#isClosed) return;
    this.#isAsking = true;
    this.#known = this.#all();
    this.#watched = [];
    this.#timer.clear();
    for (const watch of this.#watches) watch.ensure();
    const { urls } = this.#settings;
    const questions = urls.map((url) =>
      queryLookupd(url, this.#topic, this.#settings, this.#environment),
    );
    void Promise.allSettled(questions).then((answers) => this.#onAnswers(answers));
  }

  /** Starts a round within a second. */
  pollSoon(): void {
    if (this.#isAsking || this.#isClosed) return;
    const delayMs = this.#environment.random() * SOON_MS;
    if (this.#environment.clock.monotonicMs() + delayMs < this.#timer.dueMs)
      this.#setTimer(delayMs);
  }

  close(): void {
    this.#isClosed = true;
    this.#timer.clear();
    for (const watch of this.#watches) watch.close();
  }

  #onAnswers(answers: readonly PromiseSettledResult<readonly Address[]>[]): void {
    this.#isAsking = false;
    if (this.#isClosed) return;
    const found = new Map<string, Address>();
    let answerCount = 0;
    for (const answer of answers) {
      if (answer.status === 'rejected') {
        const { reason } = answer;
        this.#listener.onLookupError(
          reason instanceof NsqError ? reason : new NsqError('LOOKUP_FAILED', String(reason)),
        );
        continue;
      }
      answerCount++;
      for (const address of answer.value) found.set(address.text, address);
    }
    this.#emptyRounds = found.size === 0 ? this.#emptyRounds + 1 : 0;
    this.#setTimer(this.#intervalMs());
    if (answerCount === 0) return;
    this.#known = [...found.values()];
    this.#report();
    if (!this.#isClosed) this.#listener.onRound?.(this.#all().map(({ text }) => text));
  }

  /** A watch has found brokers, which may be new. Rounds alone decide which are gone. */
  #onWatched(addresses: readonly Address[]): void {
    if (this.#isClosed) return;
    const known = new Set(this.#all().map(({ text }) => text));
    const fresh = addresses.filter(({ text }) => !known.has(text));
    if (fresh.length === 0) return;
    this.#watched.push(...fresh);
    this.#report();
  }

  /** The listener may close the poller. */
  #report(): void {
    this.#listener.onFound(this.#all());
  }

  #all(): readonly Address[] {
    const all = new Map([...this.#known, ...this.#watched].map((one) => [one.text, one]));
    return [...all.values()];
  }

  #intervalMs(): number {
    const { pollIntervalMs, pollJitter } = this.#settings;
    const emptyMs = EMPTY_MS_MIN * 2 ** (this.#emptyRounds - 1);
    const fullMs = this.#emptyRounds > 0 ? Math.min(pollIntervalMs, emptyMs) : pollIntervalMs;
    return fullMs * (1 + pollJitter * (this.#environment.random() - 1 / 2));
  }

  #setTimer(delayMs: number): void {
    if (!this.#isClosed) this.#timer.setIn(delayMs);
  }
}
