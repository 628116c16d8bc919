import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type CaseResult,
  evaluate,
  type ListedCase,
  parseList,
  parseResult,
} from '../../../../scripts/conformance/verdict.ts';

function listed(...names: string[]): ListedCase[] {
  return names.map((name) => ({ case: name, reason: 'known' }));
}

const RESULTS: CaseResult[] = [
  { name: 'publish: one', ok: true },
  { name: 'publish: two', ok: false },
  { name: 'publish: three', ok: true },
];

test('conformance: a failing case that is not listed is a fault', () => {
  const verdict = evaluate(RESULTS, { notPassingYet: [], betterThanNsqd: [] }, true);

  assert.deepStrictEqual(verdict, { passed: 2, excused: 0, faults: ['"publish: two" fails'] });
});

test('conformance: either list excuses a failing case', () => {
  const verdicts = [
    evaluate(RESULTS, { notPassingYet: listed('publish: two'), betterThanNsqd: [] }, true),
    evaluate(RESULTS, { notPassingYet: [], betterThanNsqd: listed('publish: two') }, true),
  ];

  const good = { passed: 2, excused: 1, faults: [] };
  assert.deepStrictEqual(verdicts, [good, good]);
});

test('conformance: a case that passes must leave the list of those that do not yet', () => {
  const lists = { notPassingYet: listed('publish: two', 'publish: one'), betterThanNsqd: [] };

  const verdict = evaluate(RESULTS, lists, true);

  const fault = '"publish: one" passes: remove it from not-passing-yet.json';
  assert.deepStrictEqual(verdict, { passed: 1, excused: 1, faults: [fault] });
});

test('conformance: a case that passes may stay in the list of those that are better', () => {
  const lists = { notPassingYet: [], betterThanNsqd: listed('publish: one', 'publish: two') };

  const verdict = evaluate(RESULTS, lists, true);

  assert.deepStrictEqual(verdict, { passed: 2, excused: 1, faults: [] });
});

test('conformance: a listed case that is not in the kit is a fault when the whole kit was run', () => {
  const lists = { notPassingYet: listed('publish: two', 'gone: a'), betterThanNsqd: [] };

  const [whole, part] = [true, false].map((isWhole) => evaluate(RESULTS, lists, isWhole).faults);

  assert.deepStrictEqual([whole, part], [['"gone: a" is listed but no case of the kit'], []]);
});

test('conformance: a case in both lists is a fault', () => {
  const both = listed('publish: two');

  const { faults } = evaluate(RESULTS, { notPassingYet: both, betterThanNsqd: both }, true);

  assert.deepStrictEqual(faults, ['"publish: two" is in both lists']);
});

test('conformance: parseList wants a reason for each case', () => {
  const good = parseList('a.json', '[{ "case": "a: b", "reason": "c" }]');

  assert.deepStrictEqual(good, [{ case: 'a: b', reason: 'c' }]);
  assert.throws(() => parseList('a.json', '{}'), /^Error: read a.json: not an array$/);
  assert.throws(
    () => parseList('a.json', '[{ "case": "a: b" }]'),
    /^Error: read a.json: not a case with its reason: {"case":"a: b"}$/,
  );
});

test('conformance: parseResult knows results from other lines', () => {
  const results = [
    '{"name":"a: b","file":"a.mjs","ok":true,"ms":5}',
    '{"name":"a: c","file":"a.mjs","ok":false,"ms":5,"why":"step 1"}',
    '1 passed, 1 failed',
    '',
  ].map(parseResult);

  assert.deepStrictEqual(results, [
    { name: 'a: b', ok: true },
    { name: 'a: c', ok: false, why: 'step 1' },
    undefined,
    undefined,
  ]);
});
