import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wrapWords } from '../../../../src/daemon/options/wrap-words.ts';

for (const [words, lines] of [
  [[], []],
  [['one'], ['one']],
  [
    ['one', 'two', 'six'],
    ['one two', 'six'],
  ],
  [
    ['a', 'longer-than-it', 'b'],
    ['a', 'longer-than-it', 'b'],
  ],
  [
    ['one', '(a b c)', 'd'],
    ['one', '(a b c)', 'd'],
  ],
] as const) {
  test(`wrapWords: ${JSON.stringify(words)} in 7 columns`, () => {
    const wrapped = wrapWords(words, 7);

    assert.deepEqual(wrapped, lines);
  });
}
