import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  parseDigits,
  splitWords,
  toDurationMs,
  toInt64,
  wordBytes,
} from '../../../src/protocol/command-words.ts';

const LINES = [
  ['', ['']],
  ['NOP', ['NOP']],
  ['NOP ', ['NOP', '']],
  ['SUB a b', ['SUB', 'a', 'b']],
  ['SUB a  b', ['SUB', 'a', '', 'b']],
  [' a\t', ['', 'a\t']],
] as const;
for (const [line, words] of LINES) {
  test(`splitWords: ${JSON.stringify(line)}`, () => {
    const bytes = Buffer.from(`<${line}>`);

    assert.deepStrictEqual(splitWords(bytes, 1, bytes.length - 1), words);
  });
}

test('wordBytes: every byte comes back as it was sent', () => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).filter(
    (byte) => byte !== 0x20,
  );

  const [word] = splitWords(Buffer.from(bytes), 0, bytes.length);

  assert.deepStrictEqual(wordBytes(word), Buffer.from(bytes));
});

const DIGITS = [
  ['', 0],
  ['0', 0],
  ['007', 7],
  ['999999999999999', 999_999_999_999_999],
  ['1000000000000000', 1_000_000_000_000_000n],
  ['18446744073709551615', 2n ** 64n - 1n],
  ['18446744073709551616', 0n],
  ['-1', undefined],
  ['+1', undefined],
  ['1.0', undefined],
  ['1e3', undefined],
  [' 1', undefined],
  ['1\r', undefined],
  ['0x1', undefined],
  ['\u0661', undefined],
] as const;
for (const [word, value] of DIGITS) {
  test(`parseDigits: ${JSON.stringify(word)}`, () => {
    assert.equal(parseDigits(word), value);
  });
}

test('toInt64: the upper half is negative', () => {
  const values = [0, 5, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n];

  assert.deepStrictEqual(values.map(toInt64), [0n, 5n, 2n ** 63n - 1n, -(2n ** 63n), -1n]);
});

test('toDurationMs: durations wrap as ns in 64 bits', () => {
  const largest = 9_223_372_036_854;

  assert.deepStrictEqual([0, 5000, 2 ** 42, largest].map(toDurationMs), [
    0,
    5000,
    2 ** 42,
    largest,
  ]);
  assert(toDurationMs(largest + 1) < 0);
  assert(toDurationMs(2n ** 64n - 1n) < 0);
  assert.equal(toDurationMs(2n ** 63n), 0);
});
