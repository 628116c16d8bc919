/**
 * A viewer's request: what it watches.
 *
 * Thread: main.
 */

import type { Query } from '../http/query.ts';

/** Views with data of their own; every other view watches only the summary. */
const VIEWS = [
  'summary',
  'topics',
  'topic',
  'channels',
  'channel',
  'node',
  'log',
  // Those of a fleet.
  'nodes',
  'counter',
] as const;
/** The columns with numbers that rows can be sorted by, besides the name. */
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

/** A column with numbers that rows can be sorted by. */
type SortKey = (typeof SORT_KEYS)[number];

/** The view and its parameters. Shape: `topic`, `channel` and `node` are empty if the view does not have them. */
export type WatchQuery = {
  readonly view: (typeof VIEWS)[number];
  readonly topic: string;
  readonly channel: string;
  readonly node: string;
  /** A part of the names, in lower case. */
  readonly search: string;
  readonly sort: SortKey | 'name';
  readonly isDescending: boolean;
  readonly offset: number;
  readonly limit: number;
};

/** Parses a query. Missing or wrong parameters have their defaults. */
export function watchQueryOf(query: Query): WatchQuery {
  const text = (name: string): string => (query.get(name) ?? '').slice(0, TEXT_MAX);
  return {
    view: VIEWS.find((view) => view === query.get('view')) ?? 'summary',
    topic: text('topic'),
    channel: text('channel'),
    node: text('node'),
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
