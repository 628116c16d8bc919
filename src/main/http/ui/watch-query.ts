/**
 * What a viewer of the page watches, as its request says it.
 *
 * Thread: main.
 */

import type { Query } from '../../../daemon/http/query.ts';

/** The views that have data of their own; every other view watches only the broker's summary. */
const VIEWS = ['summary', 'topics', 'topic', 'channels', 'channel', 'node', 'log'] as const;
/** The numbers that rows can be sorted by, besides their name. */
const SORT_KEYS = [
  'in',
  'out',
  'queued',
  'depth',
  'inFlight',
  'deferred',
  'channels',
  'consumers',
] as const;
/** Most rows of a frame. */
const ROWS_MAX = 200;
const ROWS_DEFAULT = 50;
const TEXT_MAX = 200;

/** A number that rows can be sorted by. */
type SortKey = (typeof SORT_KEYS)[number];

/** What is watched. Shape: `topic` and `channel` are names where the view has them, and empty otherwise. */
export type WatchQuery = {
  readonly view: (typeof VIEWS)[number];
  readonly topic: string;
  readonly channel: string;
  /** A part of the names, in lower case. */
  readonly search: string;
  readonly sort: SortKey | 'name';
  readonly isDescending: boolean;
  readonly offset: number;
  readonly limit: number;
};

/** Reads a query. What it does not say, or says wrongly, is as by default. */
export function watchQueryOf(query: Query): WatchQuery {
  const text = (name: string): string => (query.get(name) ?? '').slice(0, TEXT_MAX);
  return {
    view: VIEWS.find((view) => view === query.get('view')) ?? 'summary',
    topic: text('topic'),
    channel: text('channel'),
    search: text('search').toLowerCase(),
    sort: SORT_KEYS.find((key) => key === query.get('sort')) ?? 'name',
    isDescending: query.get('desc') === '1',
    offset: countOf(query.get('offset'), 0, Number.MAX_SAFE_INTEGER),
    limit: countOf(query.get('limit'), ROWS_DEFAULT, ROWS_MAX),
  };
}

function countOf(text: string | undefined, byDefault: number, max: number): number {
  const count = Number(text ?? byDefault);
  return Number.isSafeInteger(count) && count >= 0 ? Math.min(count, max) : byDefault;
}
