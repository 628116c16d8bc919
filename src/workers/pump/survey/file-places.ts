/**
 * The places of messages that are only in files, as a survey visits them: evicted ones, deferred or to be reread, and
 * unread ones. A disk thread reads them; the pump changes what it owns.
 *
 * Thread: pump.
 */

import type { DiskSurvey, SurveyedRecord } from '../../../shared/message-survey.ts';
import type { BackendSurveys } from '../backend/backend-surveys.ts';
import { type EvictedEntry, waitingStatus } from './memory-places.ts';
import type { SurveySlice } from './survey-slice.ts';
import type { SurveyTables, SurveyTarget } from './survey-target.ts';

/**
 * Called with the reason why the files could not be read, or null, and with the position to continue from; null at the
 * place's end.
 */
type OnVisited = (error: string | null, next: readonly [number, number] | null) => void;

const EVERYWHERE = { segment: 0, position: 0 };

export class FilePlaces {
  readonly #tables: SurveyTables;
  readonly #target: SurveyTarget;
  readonly #surveys: BackendSurveys;

  constructor(tables: SurveyTables, target: SurveyTarget, surveys: BackendSurveys) {
    this.#tables = tables;
    this.#target = target;
    this.#surveys = surveys;
  }

  /**
   * Looks at deferred messages that were evicted. `next` is where the table is continued; `done` gets that, or the
   * first entry that did not fit, or null at the end.
   */
  visitEvicted(
    evicted: readonly EvictedEntry[],
    next: number,
    slice: SurveySlice,
    done: (error: string | null, next: number | null) => void,
  ): void {
    const numbers = evicted.map(({ number }) => number);
    this.#ask(slice, numbers, EVERYWHERE, (error, { records, covered }) => {
      const byNumber = new Map(records.map((record) => [record.number, record]));
      for (const { entry, number } of evicted) {
        const record = byNumber.get(number);
        if (record !== undefined) this.#lookAtEvicted(entry, record, slice);
      }
      const left = evicted.at(covered);
      if (error === null && left !== undefined) done(null, left.entry);
      else done(error, next < 0 ? null : next);
    });
  }

  /** Looks at messages that will be read again, from this place on. */
  visitRereads(from: number, max: number, slice: SurveySlice, done: OnVisited): void {
    const numbers: number[] = [];
    const places: number[] = [];
    const visit = (number: number, place: number): boolean => {
      places.push(place);
      return numbers.push(number) < max;
    };
    const next = slice.wants('ready') ? this.#surveys.visitRereads(from, visit) : -1;
    if (numbers.length === 0) {
      done(null, null);
      return;
    }
    this.#ask(slice, numbers, EVERYWHERE, (error, { records, covered }) => {
      for (const record of records) this.#lookAtReread(record, slice);
      const left = places.at(covered);
      if (error === null && left !== undefined) done(null, [left, 0]);
      else done(error, next < 0 ? null : [next, 0]);
    });
  }

  /** Looks at unread messages. */
  visitUnread(
    [segment, position]: readonly [number, number],
    slice: SurveySlice,
    done: OnVisited,
  ): void {
    this.#ask(slice, null, { segment, position }, (error, { records, done: ids, next }) => {
      const { wallClock } = this.#tables;
      const nowMs = wallClock.unixMsDue();
      for (const { number: _, dueMs, ...facts } of records) {
        const isDue = dueMs <= nowMs;
        slice.add(facts, waitingStatus(isDue ? 'ready' : 'deferred', isDue ? 0 : dueMs, true));
      }
      slice.addDone(ids);
      done(error, next);
    });
  }

  #ask(
    { survey, countLeft }: SurveySlice,
    numbers: readonly number[] | null,
    place: Pick<DiskSurvey, 'segment' | 'position'>,
    done: Parameters<BackendSurveys['ask']>[1],
  ): void {
    const { wallClock } = this.#tables;
    const { work, delayMs, filter, bodyMax } = survey;
    const dueMs = work === 'requeue' && delayMs > 0 ? wallClock.unixAfter(delayMs) : 0;
    const nowMs = wallClock.unixMsDue();
    const request: DiskSurvey = {
      ...{ numbers, ...place, filter, work, countMax: countLeft, bodyMax, nowMs, dueMs },
    };
    this.#surveys.ask(request, done);
  }

  #lookAtEvicted(entry: number, record: SurveyedRecord, slice: SurveySlice): void {
    const { channel } = this.#target;
    const { deferred, wallClock } = this.#tables;
    const { number, dueMs, ...facts } = record;
    const isStill =
      channel !== null &&
      deferred.channelNumber(entry) === channel.number &&
      deferred.isEvicted(entry) &&
      deferred.recordNumber(entry) === number;
    if (!isStill) return;
    slice.add(facts, waitingStatus('deferred', dueMs, true));
    const { work, delayMs } = slice.survey;
    if (work === 'finish') {
      channel.held.deferred.remove(entry);
      this.#surveys.finishRecord(number);
    } else if (work === 'requeue' && delayMs === 0) channel.onDue(entry);
    else if (work === 'requeue') {
      const unixMs = wallClock.unixAfter(delayMs);
      deferred.dueTimes.schedule(entry, wallClock.monotonicAt(unixMs));
      this.#surveys.updateRecord(number, facts.attempts, unixMs);
    }
  }

  #lookAtReread({ number, dueMs: _, ...facts }: SurveyedRecord, slice: SurveySlice): void {
    const { channel } = this.#target;
    const { wallClock } = this.#tables;
    const { work, delayMs } = slice.survey;
    const isTaken = work === 'finish' || (work === 'requeue' && delayMs > 0);
    if (isTaken && !this.#surveys.dropReread(number)) return;
    slice.add(facts, waitingStatus('ready', 0, true));
    if (work === 'finish') this.#surveys.finishRecord(number);
    else if (isTaken && channel !== null) {
      const unixMs = wallClock.unixAfter(delayMs);
      channel.held.deferred.addEvicted(number, wallClock.monotonicAt(unixMs));
      this.#surveys.updateRecord(number, facts.attempts, unixMs);
    }
  }
}
