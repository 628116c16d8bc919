/**
 * A disk queue as surveys see and change it: messages on their way to the files, fetched ones, evicted ones, and,
 * through the disk thread, unread ones.
 *
 * Bound: one request for each running survey; main sends few.
 * Thread: pump.
 */

import { decodeControl } from '../../../shared/control.ts';
import type { DiskSurvey, DiskSurveyResult } from '../../../shared/message-survey.ts';
import type { RingReader } from '../../../shared/ring/ring.ts';
import { ANSWER_WORDS } from '../../disk-records.ts';
import type { Appends } from './appends.ts';
import type { DiskReads } from './disk-reads.ts';
import type { DiskRequests, RecordOutcomes } from './disk-requests.ts';

/** Gets the result of a survey, or why there is none. */
type OnSurveyed = (error: string | null, result: DiskSurveyResult) => void;

/** The parts of the disk queue. */
type BackendSurveyParts = {
  readonly appends: Appends;
  readonly reads: DiskReads;
  readonly outcomes: RecordOutcomes;
  /** Schedules a flush. */
  readonly setDue: () => void;
};

/** The result if there is nothing to look at. */
const NOTHING: DiskSurveyResult = { records: [], done: [], next: null, covered: 0 };

export class BackendSurveys {
  /** Whether the survey that was answered last has changed anything. */
  hasWorked = false;

  readonly #parts: BackendSurveyParts;
  /** The unsent ones, and the callbacks of the sent ones, oldest first. */
  #unsent: { readonly survey: DiskSurvey; readonly done: OnSurveyed }[] = [];
  readonly #sent: OnSurveyed[] = [];
  #isEnded = false;

  constructor(parts: BackendSurveyParts) {
    this.#parts = parts;
  }

  /** Asks the disk thread. `done` is called in a later turn, or now if the queue ends. */
  ask(survey: DiskSurvey, done: OnSurveyed): void {
    if (this.#isEnded) {
      done(null, NOTHING);
      return;
    }
    this.#unsent.push({ survey, done });
    this.#parts.setDue();
  }

  /** Sends what waits. Returns false if the ring is full. */
  send(requests: DiskRequests): boolean {
    for (;;) {
      const [first] = this.#unsent;
      if (first === undefined) return true;
      if (!requests.survey(first.survey)) return false;
      this.#unsent.shift();
      this.#sent.push(first.done);
    }
  }

  /** Handles the ring's front record, SURVEYED. `isDropped`: its records no longer exist. */
  onAnswer(error: string | null, isDropped: boolean, answers: RingReader): void {
    const done = this.#sent.shift();
    this.hasWorked = false;
    if (error !== null || isDropped || this.#isEnded) {
      done?.(error, NOTHING);
      return;
    }
    const { bytes, offset, length } = answers;
    const result = bytes.subarray(offset + ANSWER_WORDS * 4, offset + length);
    const decoded = decodeControl<DiskSurveyResult>(result);
    this.hasWorked = decoded.done.length > 0;
    done?.(null, decoded);
  }

  /** The queue ends: unsent requests are dropped. */
  end(): void {
    this.#isEnded = true;
    const unsent = this.#unsent;
    this.#unsent = [];
    for (const { done } of unsent) done(null, NOTHING);
  }

  /**
   * Calls `visit` with the messages on their way to the files from this number on, until it returns false. Returns the
   * number after the last one; -1 at the end. Units: `dueMs` Unix time in ms, 0 for at once.
   */
  visitLeaving(
    from: number,
    visit: (position: number, attempts: number, dueMs: number) => boolean,
  ): number {
    return this.#parts.appends.visitFrom(from, visit);
  }

  /** Removes messages from anywhere in `fetched`; the caller gets their references. */
  takeOut(positions: ReadonlySet<number>): void {
    this.#parts.reads.takeOut(positions);
  }

  /** As `visitLeaving`, for evicted messages that will be read again. */
  visitRereads(from: number, visit: (number: number, place: number) => boolean): number {
    return this.#parts.reads.rereads.visitFrom(from, visit);
  }

  /** A record that would be read again need not be. Returns whether it was still to be. */
  dropReread(number: number): boolean {
    return this.#parts.reads.rereads.remove(number);
  }

  /** Allows the files to drop a record that is in no other place. */
  finishRecord(number: number): void {
    this.#parts.outcomes.finish(number);
    this.#parts.setDue();
  }

  /** Updates the state of a record. Units: Unix time in ms, 0 for at once. */
  updateRecord(number: number, attempts: number, dueMs: number): void {
    this.#parts.outcomes.update(number, attempts, dueMs);
    this.#parts.setDue();
  }
}
