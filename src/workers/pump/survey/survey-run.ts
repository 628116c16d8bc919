/**
 * Carries out a survey on a pump thread: visits the places of messages in a fixed order, from the cursor on, until the
 * slice is over or a disk thread was asked once.
 *
 * Surveys that continue from each other's cursors visit a message once if it stays in its place, and twice or not at
 * all if it moves. A finished message is in no place.
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

/** No entry of a table has this number. */
const ALL_VISITED = 2 ** 31;
/** Most messages that a disk thread is asked for by their numbers. */
const NUMBERS_MAX = 256;

/** The places. Cursors hold these numbers. */
const DEFERRED = 0;
const IN_FLIGHT = 1;
const FRESH = 2;
const RETURNED = 3;
const FETCHED = 4;
const LEAVING = 5;
const REREADS = 6;
const UNREAD = 7;
/**
 * The order of a listing: messages that are delivered next come first. A message that is deferred moves from the later
 * places to the first, and one that is requeued at once goes where the survey has already been, so that nothing is done
 * twice.
 */
const IN_ORDER = [DEFERRED, IN_FLIGHT, FRESH, RETURNED, FETCHED, LEAVING, REREADS, UNREAD];
/**
 * The order of changes to many messages. They free memory, into which messages move from the files, so the files are
 * searched first and memory after that.
 */
const FILES_FIRST = [DEFERRED, IN_FLIGHT, FRESH, RETURNED, LEAVING, UNREAD, REREADS, FETCHED];

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

  const order = survey.isFilesFirst ? FILES_FIRST : IN_ORDER;
  let [place, from, low] = survey.cursor;
  const evicted: EvictedEntry[] = [];
  while (!slice.isOver) {
    const at = place;
    let next = -1;
    if (at === UNREAD || at === REREADS) {
      if (files !== null) {
        visitFiles(files, at);
        return;
      }
    } else next = visitMemory(at);
    const memoryFrom = at === DEFERRED ? Math.max(low, next < 0 ? ALL_VISITED : next) : 0;
    if (evicted.length > 0 && files !== null) {
      files.visitEvicted(evicted, next, slice, (error, left) => {
        end(error, after(at, left === null ? null : [left, memoryFrom]));
      });
      return;
    }
    const following = after(at, next < 0 ? null : [next, memoryFrom]);
    if (following === null) {
      end(null, null);
      return;
    }
    [place, from, low] = following;
  }
  end(null, [place, from, low]);

  function visitFiles(places: FilePlaces, at: number): void {
    const done = (error: string | null, left: readonly [number, number] | null): void => {
      end(error, after(at, left));
    };
    if (at === UNREAD) places.visitUnread([from, low], slice, done);
    else places.visitRereads(from, Math.min(NUMBERS_MAX, slice.countLeft), slice, done);
  }

  /** The cursor after a visit of a place; null at the end. */
  function after(at: number, next: readonly [number, number] | null): SurveyCursor | null {
    if (next !== null) return [at, ...next];
    const following = order.at(order.indexOf(at) + 1);
    return following === undefined ? null : [following, 0, 0];
  }

  /** Returns the number to continue with; -1 at the end of the place. */
  function visitMemory(at: number): number {
    const { waiting, backend } = target.queue;
    switch (at) {
      case DEFERRED: {
        return memory.visitDeferred(from, low, slice, evicted, NUMBERS_MAX);
      }
      case IN_FLIGHT:
        return memory.visitInFlight(from, slice);
      case FRESH:
        return memory.visitWaiting(from, slice, waiting.fresh);
      case RETURNED:
        return memory.visitWaiting(from, slice, waiting.returned);
      case FETCHED:
        // A message from the store is either delivered or returned within a moment.
        if (backend.replicated !== null) return -1;
        return memory.visitWaiting(from, slice, backend.fetched);
      default:
        return memory.visitLeaving(from, slice);
    }
  }
}
