/**
 * The deliveries of a channel and their answers, and which deliveries may follow.
 *
 * The rules: nothing is delivered before it is due, while it is in flight, or after it was finished; attempts increase.
 * A kill weakens the rules for what the broker had no time to write: a finish that is not settled may be forgotten, and
 * an unfinished message may be delivered once more, since it may have been on its way from one file to another.
 *
 * Units: times in ms of the wall clock.
 */

import type { Publication, Publications } from './publications.ts';
import type { Rule, Violations } from './violations.ts';

/** Clocks are read in whole ms, on both sides. */
const EARLY_MS_MAX = 3;
const EVENTS_MAX = 40;

/** The answer of a consumer. */
export type Action = {
  readonly kind: 'finish' | 'requeue';
  /** When it was known that the broker has carried it out; infinite until then. */
  confirmedMs: number;
};

/** A message in a channel. */
export class Entry {
  readonly publication: Publication;
  /** How many copies may exist: more than one after a kill that came between writing and removing one. */
  copiesMax: number;
  /** A copy may exist whose state does not reflect the answers to another. */
  isAmbiguous = false;
  firstMs = 0;
  /** Copies that are in flight. */
  held = 0;
  /** Finishes that still count. */
  finishes: Action[] = [];
  hasBeenFinished = false;
  /** The last requeue with a delay, if no delivery followed it. */
  deferral: Action | null = null;
  /** It must not be delivered before this time. */
  dueMs = 0;
  /** As of the last delivery. */
  attempts = 0;
  /** The next delivery must have more attempts. */
  attemptsFloor = 0;
  /** The floor after a kill. */
  attemptsKept = 0;
  readonly #events: string[] = [];

  constructor(publication: Publication, copiesMax: number) {
    this.publication = publication;
    this.copiesMax = copiesMax;
  }

  note(event: string): void {
    if (this.#events.length === EVENTS_MAX) this.#events.shift();
    this.#events.push(event);
  }

  toString(): string {
    const { number, topic, size, isAcknowledged } = this.publication;
    const state = isAcknowledged ? 'acknowledged' : 'not acknowledged';
    return `message ${number} of "${topic}" (${size} bytes, ${state}): ${this.#events.join(', ')}`;
  }
}

/** The dependencies of a ledger. */
export type LedgerSetup = {
  readonly name: string;
  readonly topic: string;
  readonly publications: Publications;
  readonly violations: Violations;
  /** The first message that must arrive. */
  readonly firstNumber: number;
  /** How long before a kill a finish or a requeue must be confirmed in order to survive it, as of the kill. */
  readonly settleMs: () => number;
  /** Times are shown relative to this. */
  readonly startMs: number;
};

export class ChannelLedger {
  readonly name: string;
  readonly topic: string;
  readonly #setup: LedgerSetup;
  readonly #entries = new Map<number, Entry>();
  #kills = 0;
  /** Redeliveries. */
  redeliveries = 0;
  deliveries = 0;
  finishes = 0;
  /** Messages that had to stay deferred over a kill or a restart. */
  deferralsKept = 0;

  constructor(setup: LedgerSetup, kills: number) {
    this.name = setup.name;
    this.topic = setup.topic;
    this.#setup = setup;
    this.#kills = kills;
  }

  /** A message was delivered. */
  deliver(publication: Publication, attempts: number, nowMs: number): Entry {
    const entry = this.#get(publication);
    this.deliveries++;
    if (entry.attempts > 0) this.redeliveries++;
    entry.note(this.#at(nowMs, `came with ${attempts} attempts`));
    this.#checkDue(entry, nowMs);
    this.#checkCopies(entry);
    if (!entry.isAmbiguous && attempts <= entry.attemptsFloor) {
      this.#violate('attempts decrease', `${attempts} after ${entry.attemptsFloor}`, entry);
    }
    if (entry.copiesMax > 1) entry.isAmbiguous = true;
    if (entry.firstMs === 0) entry.firstMs = nowMs;
    entry.held++;
    entry.deferral = null;
    entry.dueMs = 0;
    entry.attempts = attempts;
    entry.attemptsFloor = attempts;
    return entry;
  }

  /** A FIN is sent for a message in flight. */
  finish(entry: Entry, nowMs: number): Action {
    const action: Action = { kind: 'finish', confirmedMs: Number.POSITIVE_INFINITY };
    entry.note(this.#at(nowMs, 'FIN'));
    entry.held--;
    entry.finishes.push(action);
    entry.hasBeenFinished = true;
    this.finishes++;
    return action;
  }

  /** A REQ is sent for a message in flight. */
  requeue(entry: Entry, delayMs: number, nowMs: number): Action {
    const action: Action = { kind: 'requeue', confirmedMs: Number.POSITIVE_INFINITY };
    entry.note(this.#at(nowMs, `REQ ${delayMs}`));
    entry.held--;
    if (delayMs > 0) {
      entry.deferral = action;
      entry.dueMs = nowMs + delayMs;
    }
    return action;
  }

  /** A FIN, REQ or TOUCH was refused, as happens when two copies are in flight at the same time. */
  refuse(entry: Entry, text: string, action: Action | null): void {
    entry.note(text);
    if (entry.copiesMax === 1) this.#violate('refused', text, entry);
    entry.finishes = entry.finishes.filter((finish) => finish !== action);
  }

  /** The broker was killed. */
  kill(killMs: number): void {
    this.#kills++;
    const settledMs = killMs - this.#setup.settleMs();
    for (const entry of this.#entries.values()) {
      const { finishes, deferral } = entry;
      entry.finishes = finishes.filter((finish) => finish.confirmedMs <= settledMs);
      const isOver = entry.held === 0 && entry.finishes.length === entry.copiesMax;
      entry.held = 0;
      if (isOver) continue;
      entry.note(this.#at(killMs, 'kill'));
      if (entry.finishes.length === 0 && finishes.length === 0) {
        if (deferral !== null && deferral.confirmedMs <= settledMs) {
          entry.attemptsKept = entry.attempts;
          if (!entry.isAmbiguous) this.deferralsKept++;
        } else {
          entry.dueMs = 0;
          // If it is confirmed later, the next kill may still undo it.
          entry.deferral = null;
        }
      }
      // its way from the topic to the channel may not have been written
      if (entry.firstMs > settledMs) entry.isAmbiguous = true;
      entry.attemptsFloor = entry.attemptsKept;
      entry.copiesMax++;
    }
  }

  /** The broker was shut down cleanly. Answers that were not confirmed may have been too late. */
  stop(stopMs: number): void {
    for (const entry of this.#entries.values()) {
      const { deferral } = entry;
      entry.finishes = entry.finishes.filter(
        ({ confirmedMs }) => confirmedMs !== Number.POSITIVE_INFINITY,
      );
      if (entry.held === 0 && entry.finishes.length === entry.copiesMax) continue;
      entry.note(this.#at(stopMs, 'restart'));
      entry.held = 0;
      if (deferral !== null) {
        if (deferral.confirmedMs === Number.POSITIVE_INFINITY) entry.dueMs = 0;
        else if (!entry.isAmbiguous) this.deferralsKept++;
      }
      // what a kill has made uncertain stays so until the next delivery
      entry.attemptsKept = entry.attemptsFloor;
    }
  }

  /** The broker reports that the channel is empty: there are no more copies than were delivered. */
  drained(): void {
    for (const entry of this.#entries.values()) {
      if (entry.held === 0 && entry.finishes.length > 0) entry.copiesMax = entry.finishes.length;
    }
  }

  /** Finds messages that should have been delivered and finished, when nothing more is expected. */
  checkEnd(): void {
    const { publications, firstNumber } = this.#setup;
    for (const publication of publications.required(this.topic, firstNumber)) {
      const entry = this.#entries.get(publication.number);
      if (entry === undefined) {
        this.#violate('lost', 'it never came', new Entry(publication, 1));
      } else if (!entry.hasBeenFinished) this.#violate('lost', 'it came no more', entry);
    }
  }

  #get(publication: Publication): Entry {
    const { number, kills } = publication;
    const known = this.#entries.get(number);
    if (known !== undefined) return known;
    const entry = new Entry(publication, 1 + this.#kills - kills);
    this.#entries.set(number, entry);
    return entry;
  }

  #checkDue(entry: Entry, nowMs: number): void {
    const { dueMs, isAcknowledged, kills } = entry.publication;
    // a publish that was not acknowledged when a kill came may have been written partially
    const publishedDueMs = isAcknowledged || kills === this.#kills ? dueMs : 0;
    const againDueMs = entry.isAmbiguous ? 0 : entry.dueMs;
    const earlyMs = Math.max(publishedDueMs, againDueMs) - nowMs;
    if (earlyMs > EARLY_MS_MAX) this.#violate('too early', `by ${earlyMs} ms`, entry);
  }

  #checkCopies(entry: Entry): void {
    const finished = entry.finishes.length;
    if (entry.held + finished < entry.copiesMax) return;
    if (finished > 0)
      this.#violate('redelivered after finish', `${finished} times finished`, entry);
    else this.#violate('in flight twice', `${entry.held} held`, entry);
    // reported once
    entry.copiesMax++;
  }

  #violate(rule: Rule, what: string, entry: Entry): void {
    this.#setup.violations.add(rule, `${this.topic}/${this.name}: ${what}: ${entry}`);
  }

  #at(nowMs: number, event: string): string {
    return `${((nowMs - this.#setup.startMs) / 1000).toFixed(3)} s ${event}`;
  }
}
