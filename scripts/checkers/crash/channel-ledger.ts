/**
 * The deliveries of a channel and their answers, and which deliveries may follow.
 *
 * The rules: nothing comes before it is due, nothing comes while it is held or after it was finished, attempts
 * grow. A kill weakens them for what the broker had no time to write down: a finish that is not settled may be
 * forgotten, and what was not finished may come once more, as it may have been on its way from one file to another.
 *
 * Units: times in ms of the wall clock.
 */

import type { Publication, Publications } from './publications.ts';
import type { Rule, Violations } from './violations.ts';

/** Clocks are read in whole ms, on both sides. */
const EARLY_MS_MAX = 3;
const EVENTS_MAX = 40;

/** What a consumer has answered. */
export type Action = {
  readonly kind: 'finish' | 'requeue';
  /** When it was known that the broker has carried it out; infinite until then. */
  confirmedMs: number;
};

/** A message in a channel. */
export class Entry {
  readonly publication: Publication;
  /** How many copies there may be: more than one after a kill that came between writing and removing one. */
  copiesMax: number;
  /** There may be a copy that knows nothing of what became of another. */
  isAmbiguous = false;
  firstMs = 0;
  /** Copies that consumers hold now. */
  held = 0;
  /** Finishes that still count. */
  finishes: Action[] = [];
  hasBeenFinished = false;
  /** The last requeue with a delay, if nothing came after it. */
  deferral: Action | null = null;
  /** Before this time it must not come again. */
  dueMs = 0;
  /** As of the last delivery. */
  attempts = 0;
  /** The next delivery's attempts are more. */
  attemptsFloor = 0;
  /** What the floor is after a kill. */
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

/** What a ledger needs to know. */
export type LedgerSetup = {
  readonly name: string;
  readonly topic: string;
  readonly publications: Publications;
  readonly violations: Violations;
  /** The first message that has to come. */
  readonly firstNumber: number;
  /** How long before a kill a finish or a requeue has to be confirmed to be safe from it, as of the kill. */
  readonly settleMs: () => number;
  /** What times are shown relative to. */
  readonly startMs: number;
};

export class ChannelLedger {
  readonly name: string;
  readonly topic: string;
  readonly #setup: LedgerSetup;
  readonly #entries = new Map<number, Entry>();
  #kills = 0;
  /** Deliveries of what was delivered before. */
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

  /** A message has come. */
  deliver(publication: Publication, attempts: number, nowMs: number): Entry {
    const entry = this.#get(publication);
    this.deliveries++;
    if (entry.attempts > 0) this.redeliveries++;
    entry.note(this.#at(nowMs, `came with ${attempts} attempts`));
    this.#checkDue(entry, nowMs);
    this.#checkCopies(entry);
    if (!entry.isAmbiguous && attempts <= entry.attemptsFloor) {
      this.#violate('attempts go down', `${attempts} after ${entry.attemptsFloor}`, entry);
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

  /** A FIN is sent for a message that is held. */
  finish(entry: Entry, nowMs: number): Action {
    const action: Action = { kind: 'finish', confirmedMs: Number.POSITIVE_INFINITY };
    entry.note(this.#at(nowMs, 'FIN'));
    entry.held--;
    entry.finishes.push(action);
    entry.hasBeenFinished = true;
    this.finishes++;
    return action;
  }

  /** A REQ is sent for a message that is held. */
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

  /** A FIN, REQ or TOUCH was refused, as it is when two copies are held at the same time. */
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
          // Confirmed later, it is still not one that the next kill may be expected to spare.
          entry.deferral = null;
        }
      }
      // its way from the topic to the channel may not be written down
      if (entry.firstMs > settledMs) entry.isAmbiguous = true;
      entry.attemptsFloor = entry.attemptsKept;
      entry.copiesMax++;
    }
  }

  /** The broker ended cleanly. What was not confirmed may have been too late. */
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
      // what a kill had made uncertain before stays so until the next delivery
      entry.attemptsKept = entry.attemptsFloor;
    }
  }

  /** The broker has said that the channel holds nothing: there are no more copies than have come. */
  drained(): void {
    for (const entry of this.#entries.values()) {
      if (entry.held === 0 && entry.finishes.length > 0) entry.copiesMax = entry.finishes.length;
    }
  }

  /** Looks for what should have come and been finished, when nothing more is to come. */
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
    // what was not acknowledged when a kill came may have been written in part
    const publishedDueMs = isAcknowledged || kills === this.#kills ? dueMs : 0;
    const againDueMs = entry.isAmbiguous ? 0 : entry.dueMs;
    const earlyMs = Math.max(publishedDueMs, againDueMs) - nowMs;
    if (earlyMs > EARLY_MS_MAX) this.#violate('too early', `by ${earlyMs} ms`, entry);
  }

  #checkCopies(entry: Entry): void {
    const finished = entry.finishes.length;
    if (entry.held + finished < entry.copiesMax) return;
    if (finished > 0) this.#violate('finished and again', `${finished} times finished`, entry);
    else this.#violate('twice at once', `${entry.held} held`, entry);
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
