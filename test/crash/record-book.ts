/**
 * What a disk queue was told, and so what it may and must hold when it is opened after a crash.
 *
 * After SIGKILL everything is there whose append returned and that was not finished, with the attempts and the due
 * time that it was last given. After a power loss the same holds for what a sync has seen. What a sync has seen
 * finished, and what was dropped, is never there again. A call that is under way, or has failed, may have happened.
 *
 * A sync or a close may move a record: until it has gone well a crash may leave the record in both places, and from
 * then on there are two of it, with attempts and due times of their own.
 *
 * Thread: any.
 */

import assert from 'node:assert/strict';

/** How a process came to its end without closing its queues. */
export type CrashKind = 'kill' | 'power loss';

/** What a queue says of a record beside its bytes. Units: Unix ms, 0 for a record that waits for nothing. */
export interface RecordState {
  readonly attempts: number;
  readonly dueMs: number;
}

/** A record as a queue hands it out. */
export interface FoundRecord extends RecordState {
  readonly number: number;
  readonly body: string;
}

interface BookEntry {
  readonly number: number;
  /** Those that it may have: a power loss may have damaged it, or one of its copies. */
  bodies: readonly string[];
  append: 'doing' | 'failed' | 'done';
  isDurable: boolean;
  /** Its append has failed or was cut off, and nothing was synced since it was found all the same. */
  isUnasked: boolean;
  /** Whether that is due to the journal, at least in part. */
  isJournaled: boolean;
  /** How many of it are not finished: one, unless a crash has left copies. */
  copies: number;
  /** How many of those may be finished, as far as is known. */
  finishing: number;
  /** How many of it there may be on disk, whatever is finished since the last sync. */
  copiesMax: number;
  isDropped: boolean;
  /** No process has it any more; the disk may, if its power fails. */
  isGone: boolean;
  /** Finished or dropped, and that is durable. */
  isGoneForGood: boolean;
  /** Its states are not known to be durable, whatever is synced. */
  isDoubtful: boolean;
  /** All that it may say of itself since the last sync, the latest last. */
  states: RecordState[];
  /** Index of the first state that SIGKILL may leave: behind a call that is under way there may be two. */
  kept: number;
}

/** What one record may be after a crash. */
interface Expectation {
  readonly bodies: readonly string[];
  readonly mustBeThere: boolean;
  /** How many of it there may be. */
  readonly countMax: number;
  /** It may be finished or dropped; what is known of it goes with it, and may be gone before. */
  readonly mayBeDone: boolean;
  /** nsqd does not look behind the place that metadata names, where a record may be that nobody was told of. */
  readonly isUnasked: boolean;
  /** Nothing tells a torn record from a whole one where its checksum is lost with it. */
  readonly mayBeDamaged: boolean;
  readonly states: readonly RecordState[];
}

/** What a queue may be after a crash at one moment. */
export class Expectations {
  readonly #byNumber: ReadonlyMap<number, Expectation>;
  #text: string | undefined;

  constructor(byNumber: ReadonlyMap<number, Expectation>) {
    this.#byNumber = byNumber;
  }

  /** Two moments with the same text allow the same. */
  get text(): string {
    this.#text ??= JSON.stringify([...this.#byNumber]);
    return this.#text;
  }

  /**
   * Returns how many were handed out although a power loss has damaged them; none of them was synced.
   *
   * Errors: throws when that is not what the queue may hold.
   */
  check(found: readonly FoundRecord[]): number {
    let damaged = 0;
    const whole = new Set<number>();
    const counts = new Map<number, number>();
    for (const record of found) {
      const { number } = record;
      const expected = this.#byNumber.get(number);
      assert.ok(expected !== undefined, `record ${number} is handed out, but was never appended`);
      assert.ok(expected.countMax > 0, `record ${number} is handed out again, it was finished`);
      const count = (counts.get(number) ?? 0) + 1;
      assert.ok(count <= expected.countMax, `record ${number} is handed out ${count} times`);
      counts.set(number, count);
      if (expected.mayBeDamaged && isTorn(record, expected)) damaged++;
      else {
        whole.add(number);
        if (!expected.mayBeDone) checkRecord(record, expected);
      }
    }
    for (const [number, { mustBeThere }] of this.#byNumber) {
      assert.ok(!mustBeThere || whole.has(number), `record ${number} is lost`);
    }
    return damaged;
  }

  /**
   * Another reader's records, who knows neither which are finished nor their states: what must be there is among them,
   * as it was. Errors: throws when something is missing.
   */
  checkAmong(found: readonly { readonly number: number; readonly body: string }[]): void {
    const byNumber = Map.groupBy(found, ({ number }) => number);
    for (const [number, { mustBeThere, isUnasked, bodies }] of this.#byNumber) {
      const isThere = byNumber.get(number)?.some(({ body }) => bodies.includes(body)) ?? false;
      assert.ok(!mustBeThere || isUnasked || isThere, `nsqd does not deliver record ${number}`);
    }
  }
}

/** Whether a part of the record was never written: of its body, or its attempts, which then are none. */
function isTorn({ body, attempts }: FoundRecord, { bodies, states }: Expectation): boolean {
  const hasLostAttempts = attempts === 0 && states.every((state) => state.attempts > 0);
  return hasLostAttempts || !bodies.includes(body);
}

function checkRecord({ number, body, attempts, dueMs }: FoundRecord, expected: Expectation): void {
  assert.ok(expected.bodies.includes(body), `record ${number} is not as it was: "${body}"`);
  const isKnown = expected.states.some((state) => {
    return state.attempts === attempts && state.dueMs === dueMs;
  });
  const wanted = JSON.stringify(expected.states);
  assert.ok(isKnown, `record ${number}: ${attempts} attempts, due at ${dueMs}; expected ${wanted}`);
}

export class RecordBook {
  readonly #entries = new Map<number, BookEntry>();
  /** Whether records may have been moved that are not synced where they are now. */
  #mayHaveMoved = false;

  /** An append is under way. A record with a due time may be there without it until the append returns. */
  beginAppend(number: number, body: string, state: RecordState): void {
    this.#entries.set(number, {
      number,
      bodies: [body],
      append: 'doing',
      isDurable: false,
      isUnasked: false,
      isJournaled: false,
      copies: 1,
      finishing: 0,
      copiesMax: 1,
      isDropped: false,
      isGone: false,
      isGoneForGood: false,
      isDoubtful: false,
      states: state.dueMs === 0 ? [state] : [{ ...state, dueMs: 0 }, state],
      kept: 0,
    });
  }

  endAppend(number: number, isDone: boolean): void {
    const entry = this.#get(number);
    entry.append = isDone ? 'done' : 'failed';
    if (isDone) entry.kept = entry.states.length - 1;
  }

  /** It is durable, with its due time, whether the queue is synced or not. */
  endCommit(number: number): void {
    const entry = this.#get(number);
    entry.isDurable = true;
    entry.isJournaled = true;
    if (entry.isDoubtful || entry.copiesMax > 1 || this.#mayHaveMoved) return;
    entry.states = entry.states.slice(-1);
    entry.kept = 0;
  }

  /** Of several copies one may be durable only, and that may be the one that is finished. */
  beginFinish(number: number): void {
    const entry = this.#get(number);
    entry.finishing++;
    if (entry.copiesMax > 1) entry.isDurable = false;
  }

  endFinish(number: number): void {
    const entry = this.#get(number);
    entry.finishing--;
    entry.copies--;
  }

  beginUpdate(number: number, state: RecordState): void {
    this.#get(number).states.push(state);
  }

  /** A state that could not be written is written by the next sync. If there are several copies, it is of one of them. */
  endUpdate(number: number, isDone: boolean): void {
    const entry = this.#get(number);
    const isAlone = entry.copiesMax === 1 && !this.#mayHaveMoved;
    if (isDone && isAlone) entry.kept = entry.states.length - 1;
  }

  /** All records are being dropped. */
  beginDrop(): void {
    for (const entry of this.#entries.values()) entry.isDropped = true;
  }

  /** All records were dropped, for good. */
  endDrop(): void {
    for (const entry of this.#entries.values()) entry.isGoneForGood = true;
    this.#mayHaveMoved = false;
  }

  /** A sync is under way. */
  beginSync(): void {
    this.#mayHaveMoved = true;
  }

  /** It has gone well. */
  endSync(): void {
    this.#mayHaveMoved = false;
    for (const entry of this.#entries.values()) {
      if (entry.append === 'done') entry.isDurable = true;
      entry.isJournaled = false;
      entry.isUnasked = false;
      // An unfinished operation may be undone in part: its caller knows only that it failed.
      const isGone = entry.copies === 0 || (entry.isGone && entry.append === 'done');
      if (isGone && !entry.isDoubtful) entry.isGoneForGood = true;
      // Which of several copies has which state is not written here; what was undone may be so without its states.
      if (entry.isDoubtful || entry.copiesMax > 1 || entry.append !== 'done') continue;
      entry.states = entry.states.slice(-1);
      entry.kept = 0;
    }
  }

  /**
   * The queue has said that it cannot tell where it begins: a power loss has taken what told metadata from damage. Then
   * whatever is left on disk may be handed out once more.
   */
  readAgain(): void {
    for (const entry of this.#entries.values()) {
      entry.isGone = false;
      entry.isGoneForGood = false;
    }
  }

  /** The queue was closed by which nothing had happened since it was opened: what it has found is not synced for it. */
  endQuietClose(): void {
    this.#mayHaveMoved = false;
  }

  /**
   * The queue is reopened after a sync that has failed. The new one does not know of that: what it finds of records it
   * makes durable, what it finds of states it takes for durable.
   */
  doubtStates(): void {
    for (const entry of this.#entries.values()) entry.isDoubtful = true;
  }

  /** What there may be, and must be, if the process ends so at this moment. */
  expectations(kind: CrashKind): Expectations {
    const byNumber = new Map<number, Expectation>();
    const isKill = kind === 'kill';
    for (const entry of this.#entries.values()) {
      const isKept = entry.append === 'done' && entry.copies > entry.finishing && !entry.isDropped;
      const mayBeThere = !entry.isGoneForGood && !(isKill && entry.isGone);
      byNumber.set(entry.number, {
        bodies: entry.bodies,
        mustBeThere: isKept && !entry.isGone && (isKill || entry.isDurable),
        countMax: mayBeThere ? entry.copiesMax * (this.#mayHaveMoved ? 2 : 1) : 0,
        isUnasked: entry.isUnasked,
        mayBeDone: entry.append === 'done' && !isKept,
        mayBeDamaged: !isKill && (!entry.isDurable || this.#mayHaveMoved),
        states: isKill ? entry.states.slice(entry.kept) : entry.states,
      });
    }
    return new Expectations(byNumber);
  }

  /** The same book, with a future of its own. */
  clone(): RecordBook {
    const book = new RecordBook();
    book.#mayHaveMoved = this.#mayHaveMoved;
    for (const [number, entry] of this.#entries) {
      book.#entries.set(number, { ...entry, states: [...entry.states] });
    }
    return book;
  }

  /** Goes on after a crash with what the queue was found to hold. */
  adopt(kind: CrashKind, found: readonly FoundRecord[]): void {
    const byNumber = Map.groupBy(found, ({ number }) => number);
    for (const entry of [...this.#entries.values()]) {
      const records = byNumber.get(entry.number);
      if (records !== undefined) adoptFound(entry, kind, records);
      else if (kind === 'kill') entry.isGone = true;
      else {
        entry.copies = 0;
        entry.isGoneForGood = true;
      }
    }
    if (kind === 'power loss') this.#mayHaveMoved = false;
  }

  #get(number: number): BookEntry {
    const entry = this.#entries.get(number);
    assert.ok(entry !== undefined, `record ${number} is in the book`);
    return entry;
  }
}

function adoptFound(entry: BookEntry, kind: CrashKind, records: readonly FoundRecord[]): void {
  entry.bodies = records.map(({ body }) => body);
  if (entry.append !== 'done') entry.isUnasked = true;
  entry.append = 'done';
  // What was finished need not be there again.
  if (entry.copies <= entry.finishing) entry.isDurable = false;
  entry.copies = records.length;
  // A drop begins in the journal: from then on there may be neither the record nor its due time.
  if (entry.isDropped && entry.isJournaled) {
    entry.isDurable = false;
    entry.states.unshift(...entry.states.map((state) => ({ ...state, dueMs: 0 })));
  }
  entry.finishing = 0;
  entry.copiesMax = kind === 'kill' ? Math.max(entry.copiesMax, records.length) : records.length;
  entry.isDropped = false;
  entry.isGone = false;
  entry.isGoneForGood = false;
  if (kind === 'power loss') entry.isDoubtful = false;
  const states = records.map(({ attempts, dueMs }) => ({ attempts, dueMs }));
  if (kind === 'power loss') {
    entry.isDurable = true;
    entry.states = states;
  } else {
    entry.states.push(...states);
  }
  entry.kept = entry.copiesMax > 1 ? 0 : entry.states.length - 1;
}
