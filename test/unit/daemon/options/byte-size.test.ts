import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatSize, parseSize, roughSize } from '../../../../src/daemon/options/byte-size.ts';
import { InvalidValue } from '../../../../src/daemon/options/invalid-value.ts';

const SIZES: readonly (readonly [string, number])[] = [
  ['0', 0],
  ['1', 1],
  ['1048576', 2 ** 20],
  ['16MiB', 2 ** 24],
  ['16mib', 2 ** 24],
  ['16 MiB', 2 ** 24],
  ['1.5GiB', 1.5 * 2 ** 30],
  ['1KB', 1000],
  ['2MB', 2e6],
  ['3GB', 3e9],
  ['1TB', 1e12],
  ['4KiB', 4096],
  ['1TiB', 2 ** 40],
  ['7B', 7],
  ['0.3KiB', 307],
];

for (const [text, bytes] of SIZES) {
  test(`parseSize: ${JSON.stringify(text)} is ${bytes} bytes`, () => {
    assert.equal(parseSize(text), bytes);
  });
}

const NONE: readonly (readonly [string, string])[] = [
  ['', 'must be bytes, such as 1048576, 16MiB or 1.5GB'],
  ['-1', 'must be bytes, such as 1048576, 16MiB or 1.5GB'],
  ['1.5', 'must be bytes, such as 1048576, 16MiB or 1.5GB'],
  ['MiB', 'must be bytes, such as 1048576, 16MiB or 1.5GB'],
  ['1 M B', 'must be bytes, such as 1048576, 16MiB or 1.5GB'],
  ['5%', 'must be bytes, such as 1048576, 16MiB or 1.5GB'],
  ['1M', 'unknown unit "M" in size, which must be bytes, such as 1048576, 16MiB or 1.5GB'],
  [
    '1furlong',
    'unknown unit "furlong" in size, which must be bytes, such as 1048576, 16MiB or 1.5GB',
  ],
  ['9007199254740992', 'value out of range'],
  ['9000TiB', 'value out of range'],
];

for (const [text, why] of NONE) {
  test(`parseSize: refuses ${JSON.stringify(text)}`, () => {
    assert.deepEqual(parseSize(text), new InvalidValue(why));
  });
}

for (const [bytes, exact, rough] of [
  [0, '0', '0B'],
  [1, '1', '1B'],
  [1000, '1KB', '1000B'],
  [1024, '1KiB', '1.0KiB'],
  [1_048_577, '1048577', '1.0MiB'],
  [2 ** 24, '16MiB', '16.0MiB'],
  [1.5 * 2 ** 30, '1536MiB', '1.5GiB'],
  [5e9, '5GB', '4.7GiB'],
  [2 ** 41, '2TiB', '2.0TiB'],
] as const) {
  test(`formatSize: ${bytes} bytes`, () => {
    assert.deepEqual([formatSize(bytes), roughSize(bytes)], [exact, rough]);
    assert.equal(parseSize(formatSize(bytes)), bytes);
  });
}
