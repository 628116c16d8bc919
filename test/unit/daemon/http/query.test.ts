import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Query, unescapePercent } from '../../../../src/daemon/http/query.ts';

for (const [raw, name, value] of [
  ['topic=t', 'topic', 't'],
  ['a=1&topic=t&b', 'topic', 't'],
  ['topic=first&topic=second', 'topic', 'first'],
  ['topic', 'topic', ''],
  ['topic=', 'topic', ''],
  ['', 'topic', undefined],
  ['Topic=t', 'topic', undefined],
  ['&&topic=t&', 'topic', 't'],
  ['topic=a=b', 'topic', 'a=b'],
  ['=v', '', 'v'],
  ['topic=a+b', 'topic', 'a b'],
  ['topic=a%2Bb', 'topic', 'a+b'],
  ['%74opic=%61%2eb%23ephemeral', 'topic', 'a.b#ephemeral'],
  ['topic=%C3%A9', 'topic', 'é'],
  ['topic=\u00c3\u00a9', 'topic', 'é'],
  ['topic=%FF', 'topic', '\ufffd'],
  ['a=%26&topic=%3B', 'topic', ';'],
] as const) {
  test(`Query: "${name}" of "${raw}" is ${JSON.stringify(value)}`, () => {
    const query = Query.parse(raw);

    assert.equal(query?.get(name), value);
    assert.notEqual(query, undefined);
  });
}

for (const raw of [
  'a;b=c',
  ';',
  'topic=t&x=;',
  'topic=%',
  'topic=%2',
  'topic=%zz',
  '%g0=1',
  'a=1&%',
]) {
  test(`Query: "${raw}" is refused`, () => {
    assert.equal(Query.parse(raw), undefined);
  });
}

test('unescapePercent: leaves a plus alone, and takes hex digits of both cases', () => {
  assert.equal(unescapePercent('/a+b%2f%2F'), '/a+b//');
});
