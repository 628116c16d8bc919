import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scanJson } from '../../../../src/daemon/go/json-fault.ts';
import { freshSeed, seededRandom } from '../../../support/seeded-random.ts';

/** What Go 1.19's decoder says of each. */
for (const [text, fault] of [
  ['', 'EOF'],
  [' \n', 'EOF'],
  ['{', 'unexpected EOF'],
  ['tru', 'unexpected EOF'],
  ['"a', 'unexpected EOF'],
  ['{"a":1', 'unexpected EOF'],
  ['nope', "invalid character 'o' in literal null (expecting 'u')"],
  ['x', "invalid character 'x' looking for beginning of value"],
  ['[1,]', "invalid character ']' looking for beginning of value"],
  ["{'a'}", "invalid character '\\'' looking for beginning of object key string"],
  ['{"a" 1}', "invalid character '1' after object key"],
  ['{"a":"b" "c"}', "invalid character '\"' after object key:value pair"],
  ['[1 2]', "invalid character '2' after array element"],
  ['{"a":01}', "invalid character '1' after object key:value pair"],
  ['{"a":1.}', "invalid character '}' after decimal point in numeric literal"],
  ['[1e]', "invalid character ']' in exponent of numeric literal"],
  ['[-]', "invalid character ']' in numeric literal"],
  ['"\\q"', "invalid character 'q' in string escape code"],
  ['"\\u00g0"', "invalid character 'g' in \\u hexadecimal character escape"],
  ['"a\nb"', "invalid character '\\n' in string literal"],
] as const) {
  test(`scanJson: ${JSON.stringify(text)} is no JSON`, () => {
    assert.deepEqual(scanJson(text), { fault });
  });
}

test('scanJson: reads the first value, and leaves what follows it', () => {
  assert.deepEqual(scanJson(' {"a":[1,{}, "\\u00e9\\n"],"b":-0.5e+3} x'), { end: 37 });
  assert.deepEqual(scanJson('nullx'), { end: 4 });
  assert.deepEqual(scanJson('['.repeat(10_001)), { fault: 'exceeded max depth' });
});

test('scanJson: takes what JSON.parse takes, and nothing else', () => {
  const seed = freshSeed();
  const random = seededRandom(seed);
  const parts = [
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '"\\\\"',
    '1',
    '-0',
    '1e5',
    'true',
    'null',
    ' ',
    '0',
  ];
  for (let round = 0; round < 20_000; round++) {
    const length = 1 + random(8);
    const text = Array.from({ length }, () => parts[random(parts.length)]).join('');
    const scan = scanJson(text);
    const isWhole = 'end' in scan && text.slice(scan.end).trim() === '';
    assert.equal(isWhole, isJson(text), `seed ${seed}: ${text}`);
  }
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
