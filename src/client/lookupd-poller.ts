/**
 * Asks all nsqlookupds for brokers, again and again, and tells what they say together. Clients that start at the same
 * moment ask at different ones: part of each interval is left to chance. Until there is any broker it asks more often.
 *
 * When nobody answers, nothing is told: what was known stays.
 *
 * Bound: one round of questions at a time. Thread: any. Source: go-nsq `Consumer.lookupdLoop`, which asks one
 * nsqlookupd a round.
 */

import type { Address } from './address.ts';
import { type Alarm, Alarms } from './alarms.ts';
import type { Environment } from './environment.ts';
import type { LookupdSettings } from './lookupd-options.ts';
import { queryLookupd } from './lookupd-query.ts';
import { NsqError } from './nsq-error.ts';

/** Is told what a round has found. */
export type LookupdListener = {
  /** Whoever answered knows these, and no others. */
  onFound(addresses: readonly Address[]): void;
  /** One did not answer, or made no sense. */
  onLookupError(error: NsqError): void;
};

/**
 * After a round that has found nothing, the next one comes after this time, and then after twice as long. Units: ms.
 */
const EMPTY_MS_MIN = 1000;
/** When a broker is lost, the next round comes within this time. Units: ms. */
const SOON_MS = 1000;

/** The questions of one client. */
export class LookupdPoller {
  readonly #topic: string | null;
  readonly #settings: LookupdSettings;
  readonly #environment: Environment;
  readonly #listener: LookupdListener;
  readonly #alarm: Alarm;
  #emptyRounds = 0;
  #isAsking = false;
  #isClosed = false;

  /** `topic`: null asks for all brokers. */
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
    const alarms = Alarms.of(environment.clock);
    this.#alarm = alarms.alarm(() => this.poll(), { holdsProcess: true });
  }

  /** Asks now, unless it is asking. */
  poll(): void {
    if (this.#isAsking || this.#isClosed) return;
    this.#isAsking = true;
    this.#alarm.clear();
    const { urls } = this.#settings;
    const questions = urls.map((url) =>
      queryLookupd(url, this.#topic, this.#settings, this.#environment),
    );
    void Promise.allSettled(questions).then((answers) => this.#onAnswers(answers));
  }

  /** Asks within a second. */
  pollSoon(): void {
    if (this.#isAsking || this.#isClosed) return;
    const delayMs = this.#environment.random() * SOON_MS;
    if (this.#environment.clock.monotonicMs() + delayMs < this.#alarm.dueMs)
      this.#setAlarm(delayMs);
  }

  close(): void {
    this.#isClosed = true;
    this.#alarm.clear();
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
    this.#setAlarm(this.#intervalMs());
    // whoever is told may close
    if (answerCount > 0) this.#listener.onFound([...found.values()]);
  }

  #intervalMs(): number {
    const { pollIntervalMs, pollJitter } = this.#settings;
    const emptyMs = EMPTY_MS_MIN * 2 ** (this.#emptyRounds - 1);
    const fullMs = this.#emptyRounds > 0 ? Math.min(pollIntervalMs, emptyMs) : pollIntervalMs;
    return fullMs * (1 + pollJitter * (this.#environment.random() - 1 / 2));
  }

  #setAlarm(delayMs: number): void {
    if (!this.#isClosed) this.#alarm.setIn(delayMs);
  }
}
