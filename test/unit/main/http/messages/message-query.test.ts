import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer } from '../../../../../src/daemon/http/answer.ts';
import { Query } from '../../../../../src/daemon/http/query.ts';
import {
  bodyMaxOf,
  delayOf,
  filterOf,
  isSelective,
  pageLimit,
  timeOf,
  workLimit,
} from '../../../../../src/main/http/messages/message-query.ts';
import type { MessageFilter } from '../../../../../src/shared/message-survey.ts';

const ID = '0123456789abcdef';

function queryOf(text: string): Query {
  const query = Query.parse(text);
  assert.ok(query !== undefined);
  return query;
}

/** The status of a refusal; null for an accepted value. */
function statusOf(value: number | MessageFilter | Answer): number | null {
  return typeof value === 'object' && 'status' in value ? value.status : null;
}

test('filterOf: without parameters, all messages or those that wait', () => {
  const all = filterOf(queryOf(''), 'all');
  const waiting = filterOf(queryOf(''), 'waiting');

  const others = { ids: null, sinceMs: 0, match: null };
  assert.deepStrictEqual(all, { states: ['ready', 'deferred', 'in-flight'], ...others });
  assert.deepStrictEqual(waiting, { states: ['ready', 'deferred'], ...others });
});

test('filterOf: named ids select messages in every state, each id once', () => {
  const filter = filterOf(queryOf(`id=${ID},${ID}`), 'waiting');

  const states = ['ready', 'deferred', 'in-flight'];
  assert.deepStrictEqual(filter, { states, ids: [ID], sinceMs: 0, match: null });
});

test('filterOf: reads states, a time and a text', () => {
  const query = queryOf('state=in-flight&since=2024-01-02T03:04:05Z&match=a%20b');

  assert.deepStrictEqual(filterOf(query, 'all'), {
    states: ['in-flight'],
    ids: null,
    sinceMs: Date.UTC(2024, 0, 2, 3, 4, 5),
    match: Buffer.from('a b'),
  });
});

const IDS_TOO_MANY = Array.from({ length: 257 }, (_, n) => n.toString(16).padStart(16, '0'));
const WRONG = [
  'state=lost',
  'state=ready,',
  'state=',
  'id=',
  'id=0123456789ABCDEF',
  `id=${ID},x`,
  `id=${IDS_TOO_MANY.join(',')}`,
  'since=yesterday',
  'since=-1',
  'since=2024-13-01',
  'match=',
  `match=${'x'.repeat(1025)}`,
];
for (const text of WRONG) {
  test(`filterOf: refuses ${text.slice(0, 40)}`, () => {
    assert.equal(statusOf(filterOf(queryOf(text), 'all')), 400);
  });
}

test('limits: have a default, a maximum, and refuse everything else', () => {
  const page = (text: string) => pageLimit(queryOf(text), false);

  assert.deepStrictEqual([page(''), page('limit=1'), page('limit=1000')], [100, 1, 1000]);
  assert.deepStrictEqual(
    [workLimit(queryOf('')), workLimit(queryOf('limit=10000'))],
    [1000, 10_000],
  );
  assert.equal(pageLimit(queryOf('limit=5000000'), true), 5_000_000);
  for (const limit of ['0', '1001', '-1', '1.5', '1e2', '']) {
    assert.equal(statusOf(page(`limit=${limit}`)), 400, limit);
  }
});

test('bodyMaxOf and delayOf: zero is a value', () => {
  assert.deepStrictEqual(
    [bodyMaxOf(queryOf('body-max=0')), delayOf(queryOf('delay=0'), 10)],
    [0, 0],
  );
  assert.deepStrictEqual([bodyMaxOf(queryOf('')), delayOf(queryOf(''), 10)], [4096, 0]);
  assert.equal(statusOf(bodyMaxOf(queryOf('body-max=1048577'))), 400);
  assert.equal(delayOf(queryOf('delay=10'), 10), 10);
  assert.equal(statusOf(delayOf(queryOf('delay=11'), 10)), 400);
});

test('isSelective: a request without a selection is none, nor is all=false', () => {
  const texts = ['', 'limit=5', 'all=false', 'all=true', 'state=ready', `id=${ID}`, 'since=1'];

  assert.deepStrictEqual(
    texts.map((text) => isSelective(queryOf(text))),
    [false, false, false, true, true, true, true],
  );
});

test('timeOf: accepts RFC 3339 with a zone, and dates', () => {
  assert.deepStrictEqual(
    ['2024-01-02', '2024-01-02T01:00:00+01:00', '2024-01-02 00:00:00.5Z', '1960-01-01'].map(timeOf),
    [Date.UTC(2024, 0, 2), Date.UTC(2024, 0, 2), Date.UTC(2024, 0, 2) + 500, 0],
  );
  assert.deepStrictEqual(['2024-01-02T00:00:00', '02.01.2024', '2024'].map(timeOf), [
    undefined,
    undefined,
    undefined,
  ]);
});
