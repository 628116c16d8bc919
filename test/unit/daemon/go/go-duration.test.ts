import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatDuration, parseDuration } from '../../../../src/daemon/go/go-duration.ts';
import { InvalidValue } from '../../../../src/daemon/options/invalid-value.ts';

const READ: readonly (readonly [string, number])[] = [
  ['0', 0],
  ['-0', 0],
  ['0s', 0],
  ['1ns', 1],
  ['5us', 5e3],
  ['5\u00b5s', 5e3],
  ['5\u03bcs', 5e3],
  ['250ms', 250e6],
  ['2s', 2e9],
  ['1.5s', 1.5e9],
  ['.5s', 0.5e9],
  ['2.s', 2e9],
  ['1m30s', 90e9],
  ['1m0s', 60e9],
  ['1h0m0s', 3600e9],
  ['1h30m', 5400e9],
  ['90s', 90e9],
  ['30s1m', 90e9],
  ['+3s', 3e9],
  ['-2s', -2e9],
  ['0.9999999999ns', 0],
  ['1.0000000019s', 1e9 + 1],
  ['2400h', 8.64e15],
];

for (const [text, ns] of READ) {
  test(`parseDuration: reads ${JSON.stringify(text)}`, () => {
    assert.equal(parseDuration(text), ns);
  });
}

const INVALID = 'invalid duration; write for example 60s, 250ms or 1m30s';
const UNREADABLE: readonly (readonly [string, string])[] = [
  ['', INVALID],
  ['-', INVALID],
  ['soon', INVALID],
  ['s', INVALID],
  ['.s', INVALID],
  [' 5s', INVALID],
  ['--5s', INVALID],
  ['5', 'missing unit in duration, as in 5s'],
  ['00', 'missing unit in duration, as in 00s'],
  ['1.5', 'missing unit in duration, as in 1.5s'],
  ['1m30', 'missing unit in duration, as in 30s'],
  ['1.2.3s', 'missing unit in duration, as in 1.2s'],
  ['5d', 'unknown unit "d" in duration; units are h, m, s, ms, us and ns'],
  ['5S', 'unknown unit "S" in duration; units are h, m, s, ms, us and ns'],
  ['5 s', 'unknown unit " s" in duration; units are h, m, s, ms, us and ns'],
  ['1e3s', 'unknown unit "e" in duration; units are h, m, s, ms, us and ns'],
  ['2502h', 'duration is longer than 104 days'],
  [`1${'0'.repeat(400)}h`, 'duration is longer than 104 days'],
];

for (const [text, why] of UNREADABLE) {
  test(`parseDuration: refuses ${JSON.stringify(text.slice(0, 20))}`, () => {
    assert.deepEqual(parseDuration(text), new InvalidValue(why));
  });
}

const WRITTEN: readonly (readonly [number, string])[] = [
  [0, '0s'],
  [1, '1ns'],
  [999, '999ns'],
  [1000, '1\u00b5s'],
  [1100, '1.1\u00b5s'],
  [51_318_887, '51.318887ms'],
  [250e6, '250ms'],
  [1e9, '1s'],
  [1.5e9, '1.5s'],
  [60e9, '1m0s'],
  [90e9, '1m30s'],
  [900e9, '15m0s'],
  [3600e9, '1h0m0s'],
  [3723e9, '1h2m3s'],
  [3600e9 + 1, '1h0m0.000000001s'],
  [-90e9, '-1m30s'],
  [Number.MAX_SAFE_INTEGER, '2501h59m59.254740991s'],
];

for (const [ns, text] of WRITTEN) {
  test(`formatDuration: writes ${ns} ns as ${text}`, () => {
    assert.equal(formatDuration(ns), text);
  });
}

test('parseDuration: reads what formatDuration writes', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (ns) => parseDuration(formatDuration(ns)) === ns),
    { examples: [[Number.MAX_SAFE_INTEGER], [Number.MIN_SAFE_INTEGER]] },
  );
});
