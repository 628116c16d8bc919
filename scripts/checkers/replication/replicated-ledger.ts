/**
 * Compares acknowledged with finished messages, over all brokers and channels, while servers and brokers fail.
 *
 * The rules: an acknowledged message reaches each channel and is finished; it is redelivered only if it was in flight
 * when something failed, or was requeued; and no body arrives that was not published.
 *
 * Units: times in ms, monotonic.
 */

import type { Bodies } from '../crash/bodies.ts';
import type { Publications } from '../crash/publications.ts';
import type { Violations } from '../crash/violations.ts';

/** A FIN that was sent this shortly before a failure may be lost too. */
const SETTLE_MS = 2000;
/** Messages in flight are redelivered within this time after a failure: the store waits 15 s for a lost broker. */
const BACK_MS = 20_000;

type Loss = { readonly atMs: number; endMs: number };
type Entry = {
  firstMs: number;
  lastMs: number;
  isFinished: boolean;
  isGivenBack: boolean;
  /** The place of the delivery, as in `deliver`. */
  readonly places: string[];
};

export class ReplicatedLedger {
  deliveries = 0;
  redeliveries = 0;
  readonly #bodies: Bodies;
  readonly #publications: Publications;
  readonly #violations: Violations;
  readonly #channels = new Map<string, Map<number, Entry>>();
  readonly #losses: Loss[] = [];

  constructor(bodies: Bodies, publications: Publications, violations: Violations) {
    this.#bodies = bodies;
    this.#publications = publications;
    this.#violations = violations;
  }

  /** A failure begins. Call the result when it is over. */
  lose(atMs: number): (endMs: number) => void {
    const loss = { atMs, endMs: Number.POSITIVE_INFINITY };
    this.#losses.push(loss);
    return (endMs) => {
      loss.endMs = endMs;
    };
  }

  /**
   * A message was delivered to a channel. Returns its number, and whether it is the first delivery. `place`: from
   * where, and as which attempt.
   */
  deliver(
    topic: string,
    channel: string,
    body: Buffer,
    nowMs: number,
    place = '',
  ): [number, boolean] {
    const number = this.#bodies.read(body);
    const publication = number === undefined ? undefined : this.#publications.get(number);
    if (number === undefined || publication?.topic !== topic) {
      this.#violations.add('unknown body', `${topic}/${channel}: ${body.length} bytes`);
      return [-1, false];
    }
    this.deliveries++;
    const entries = this.#channel(topic, channel);
    const entry = entries.get(number);
    if (entry === undefined) {
      const times = { firstMs: nowMs, lastMs: nowMs };
      entries.set(number, { ...times, isFinished: false, isGivenBack: false, places: [place] });
      return [number, true];
    }
    this.redeliveries++;
    entry.places.push(place);
    if (!entry.isGivenBack && !this.#wasLost(entry.firstMs, entry.lastMs)) {
      const sinceMs = (nowMs - entry.firstMs).toFixed();
      const where = `${topic}/${channel}: message ${number}`;
      const places = entry.places.join(', ');
      const text = `${where}, ${sinceMs} ms after it came first (${places})`;
      this.#violations.add('redelivered after finish', text);
    }
    entry.isGivenBack = false;
    return [number, false];
  }

  finish(topic: string, channel: string, number: number, nowMs: number): void {
    const entry = this.#channel(topic, channel).get(number);
    if (entry === undefined) return;
    entry.isFinished = true;
    entry.lastMs = nowMs;
  }

  giveBack(topic: string, channel: string, number: number, nowMs: number): void {
    const entry = this.#channel(topic, channel).get(number);
    if (entry === undefined) return;
    entry.isGivenBack = true;
    entry.lastMs = nowMs;
  }

  /** How many acknowledged messages a channel has not finished. */
  missingCount(topic: string, channel: string): number {
    return this.#missing(topic, channel).length;
  }

  /** Finds messages that should have been delivered and finished, when nothing more is expected. */
  checkEnd(topic: string, channel: string): void {
    for (const number of this.#missing(topic, channel)) {
      const came = this.#channel(topic, channel).has(number) ? 'it came once' : 'it never came';
      this.#violations.add('lost', `${topic}/${channel}: message ${number}: ${came}`);
    }
  }

  #missing(topic: string, channel: string): number[] {
    const entries = this.#channel(topic, channel);
    return [...this.#publications.required(topic, 0)]
      .map(({ number }) => number)
      .filter((number) => entries.get(number)?.isFinished !== true);
  }

  #channel(topic: string, channel: string): Map<number, Entry> {
    const key = `${topic}/${channel}`;
    const known = this.#channels.get(key) ?? new Map<number, Entry>();
    this.#channels.set(key, known);
    return known;
  }

  /** Whether there was a failure while the message was in flight, or before its FIN was safe. */
  #wasLost(firstMs: number, lastMs: number): boolean {
    return this.#losses.some(
      ({ atMs, endMs }) => firstMs <= endMs + BACK_MS && lastMs + SETTLE_MS >= atMs,
    );
  }
}
