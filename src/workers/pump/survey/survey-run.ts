/**
 * Carries out a survey on a pump thread: visits the places of messages in a fixed order, from the cursor on, until the
 * slice is over or a disk thread was asked once.
 *
 * A message that stays in its place is visited once by the surveys that follow each other's cursors. One that moves
 * meanwhile may be visited twice or not at all. A finished one is in no place.
 *
 * Thread: pump.
 */

import type { Survey, SurveyCursor, SurveyResult } from '../../../shared/message-survey.ts';
import { FilePlaces } from './file-places.ts';
import { type EvictedEntry, MemoryPlaces } from './memory-places.ts';
import { SurveySlice } from './survey-slice.ts';
import type { SurveyTables, SurveyTarget } from './survey-target.ts';

/** Answers a survey; `error` tells why the files could not be read. */
type SurveyReply = (error: string | null, result: SurveyResult) => void;

/** Most messages that a disk thread is asked for by their numbers. */
const NUMBERS_MAX = 256;

/**
 * The places, in the order of a survey. Cursors hold these numbers. What is deferred moves from the later places to the
 * first, and what is requeued at once is not looked for where it goes, so that nothing is done twice.
 */
const DEFERRED = 0;
const IN_FLIGHT = 1;
const FRESH = 2;
const RETURNED = 3;
const FETCHED = 4;
const LEAVING = 5;
const REREADS = 6;
const UNREAD = 7;

/** Carries out a survey, and replies now or when a disk thread has answered. */
export function runSurvey(
  survey: Survey,
  tables: SurveyTables,
  target: SurveyTarget,
  reply: SurveyReply,
): void {
  const slice = new SurveySlice(survey, tables.store);
  const memory = new MemoryPlaces(tables, target);
  const { surveys } = target.queue.backend;
  const files = surveys === null ? null : new FilePlaces(tables, target, surveys);
  const end = (error: string | null, cursor: SurveyCursor | null): void => {
    const { messages, done, busyCount } = slice;
    reply(error, { messages, done, busyCount, cursor: slice.isComplete ? null : cursor });
  };

  let [place, from, low] = survey.cursor;
  const evicted: EvictedEntry[] = [];
  while (place <= LEAVING && !slice.isOver) {
    const next = visitMemory(place);
    if (evicted.length > 0 && files !== null) {
      files.visitEvicted(evicted, next, slice, (error, at) => end(error, after(DEFERRED, at)));
      return;
    }
    if (next < 0) place++;
    from = Math.max(0, next);
  }
  if (slice.isOver) end(null, [place, from, low]);
  else if (files === null) end(null, null);
  else if (place === REREADS) {
    const max = Math.min(NUMBERS_MAX, slice.countLeft);
    files.visitRereads(from, max, slice, (error, at) => end(error, after(REREADS, at)));
  } else {
    files.visitUnread([from, low], slice, (error, at) => {
      end(error, at === null ? null : [UNREAD, ...at]);
    });
  }

  /** Returns the number to continue with; -1 at the end of the place. */
  function visitMemory(at: number): number {
    const { waiting, backend } = target.queue;
    switch (at) {
      case DEFERRED: {
        const max = Math.min(NUMBERS_MAX, slice.countLeft);
        return memory.visitDeferred(from, slice, evicted, max);
      }
      case IN_FLIGHT:
        return memory.visitInFlight(from, slice);
      case FRESH:
        return memory.visitWaiting(from, slice, waiting.fresh);
      case RETURNED:
        return memory.visitWaiting(from, slice, waiting.returned);
      case FETCHED:
        return memory.visitWaiting(from, slice, backend.fetched);
      default:
        return memory.visitLeaving(from, slice);
    }
  }
}

/** The cursor after a visit of a place. */
function after(place: number, next: readonly [number, number] | null): SurveyCursor {
  return next === null ? [place + 1, 0, 0] : [place, ...next];
}
