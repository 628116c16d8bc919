import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JSON_DEPTH_MAX, jsonMembers, parseJson } from '../../../../src/daemon/go/json.ts';

for (const text of ['null', '5', '"a"', '[1,[2,{"a":[]}]]', ' {"a":"[[{{","b":"\\"["} ']) {
  test(`parseJson: ${text} is read as JSON.parse does`, () => {
    assert.deepStrictEqual(parseJson(text), JSON.parse(text));
  });
}

for (const text of ['', '[', '{"a"}', ']', '"', '"\\', '[1,]', '{} {}', 'undefined']) {
  test(`parseJson: ${JSON.stringify(text)} is no JSON`, () => {
    assert.strictEqual(parseJson(text), undefined);
  });
}

test('parseJson: what is nested deeper than Go allows is refused, and strings do not count', () => {
  const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

  assert.ok(Array.isArray(parseJson(nested(JSON_DEPTH_MAX))));
  assert.strictEqual(parseJson(nested(JSON_DEPTH_MAX + 1)), undefined);
  assert.strictEqual(parseJson('['.repeat(5_000_000)), undefined);
  assert.ok(Array.isArray(parseJson(JSON.stringify(['['.repeat(JSON_DEPTH_MAX + 1)]))));
  assert.ok(Array.isArray(parseJson(`[${'[],'.repeat(JSON_DEPTH_MAX + 1)}1]`)));
});

test('jsonMembers: members are as they are written, in order and again', () => {
  const text = ' { "a" : 1e3 , "b\\n\\"" : "x,}\\"" ,"a":[{"a":[1,"]"]},2],\n"" : {} } ';

  assert.deepStrictEqual(jsonMembers(text), [
    { key: 'a', source: '1e3' },
    { key: 'b\n"', source: '"x,}\\""' },
    { key: 'a', source: '[{"a":[1,"]"]},2]' },
    { key: '', source: '{}' },
  ]);
  assert.deepStrictEqual(jsonMembers('{ }'), []);
});
