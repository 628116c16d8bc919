import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseGoFields } from '../../../../src/daemon/go/go-fields.ts';

const TYPES = { text: 'string', flag: 'bool', number: 'int', small: 'int32' } as const;
const EMPTY = { text: '', flag: false, number: 0, small: 0 };

const ACCEPTED: readonly (readonly [string, Partial<typeof EMPTY>])[] = [
  ['null', {}],
  [' {} \n', {}],
  [
    '{"text":"a","flag":true,"number":5,"small":-5}',
    {
      text: 'a',
      flag: true,
      number: 5,
      small: -5,
    },
  ],
  ['{"TEXT":"a","Flag":true}', { text: 'a', flag: true }],
  ['{"text":null,"flag":null,"number":null}', {}],
  ['{"unknown":{"deep":[1.5]},"other":1e400}', {}],
  ['{"text":"a","text":"b"}', { text: 'b' }],
  ['{"text":"a","TEXT":null}', { text: 'a' }],
  [
    '{ "te\\u0078t" : "a" , "unknown" : { "text" : "b,}" } , "number" : 7 }',
    { text: 'a', number: 7 },
  ],
  ['{"unknown":"{[\\"","number":7}', { number: 7 }],
  ['{"":{"":[{}]},"flag":false,"number":7}', { number: 7 }],
  ['{"text":"\\u00e9\\n"}', { text: 'é\n' }],
  ['{"number":-0}', { number: 0 }],
  ['{"number":9007199254740991}', { number: 9007199254740991 }],
  ['{"small":2147483647}', { small: 2147483647 }],
  ['{"__proto__":{"text":"a"},"constructor":5,"toString":5}', {}],
];
for (const [text, expected] of ACCEPTED) {
  test(`parseGoFields: ${JSON.stringify(text)} is read`, () => {
    assert.deepStrictEqual(parseGoFields(Buffer.from(text), TYPES), { ...EMPTY, ...expected });
  });
}

const REFUSED = [
  '',
  ' ',
  '[]',
  '5',
  '"text"',
  'true',
  '{',
  '{} x',
  '{}{}',
  "{'text':'a'}",
  '{"text":"a",}',
  '{"text":5}',
  '{"text":true}',
  '{"text":["a"]}',
  '{"flag":"true"}',
  '{"flag":1}',
  '{"number":"1000"}',
  '{"number":1000.0}',
  '{"number":1e3}',
  '{"number":1.5}',
  '{"number":true}',
  '{"number":{}}',
  '{"small":2147483648}',
  '{"NUMBER":"1"}',
  '{"number":"1","number":1}',
];
for (const text of REFUSED) {
  test(`parseGoFields: ${JSON.stringify(text)} is refused`, () => {
    assert.equal(parseGoFields(Buffer.from(text), TYPES), undefined);
  });
}

for (const [what, opening, closing] of [
  ['lists', '[', ']'],
  ['objects', '{"text":', '}'],
] as const) {
  test(`parseGoFields: ${what} as deep as Go allows are read, deeper ones refused`, () => {
    const read = (depth: number): unknown => {
      const value = `${opening.repeat(depth - 1)}1${closing.repeat(depth - 1)}`;
      return parseGoFields(Buffer.from(`{"unknown":${value},"text":"a"}`), TYPES);
    };

    assert.deepStrictEqual(read(10_000), { ...EMPTY, text: 'a' });
    assert.strictEqual(read(10_001), undefined);
    assert.strictEqual(read(1_000_000), undefined);
  });
}
