import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidValue } from '../../../../src/daemon/options/invalid-value.ts';
import {
  describePortion,
  formatPortion,
  isNothing,
  type Portion,
  parsePortion,
  portionBytes,
} from '../../../../src/daemon/options/portion.ts';

function portion(text: string): Portion {
  const parsed = parsePortion(text);
  assert.ok(!(parsed instanceof InvalidValue));
  return parsed;
}

for (const [text, spelled, described, bytes] of [
  ['0', '0', '0', 0],
  ['16MiB', '16MiB', '16MiB', 2 ** 24],
  ['50%', '50%', '50% (512.0KiB)', 2 ** 19],
  ['12.5 %', '12.5%', '12.5% (128.0KiB)', 2 ** 17],
  ['0%', '0%', '0% (0B)', 0],
  ['100%', '100%', '100% (1.0MiB)', 2 ** 20],
] as const) {
  test(`portion: ${text} of 1 MiB`, () => {
    const parsed = portion(text);

    assert.equal(formatPortion(parsed), spelled);
    assert.equal(describePortion(parsed, 2 ** 20), described);
    assert.equal(portionBytes(parsed, 2 ** 20), bytes);
    assert.equal(isNothing(parsed), bytes === 0);
    assert.deepEqual(portion(spelled), parsed);
  });
}

for (const [text, why] of [
  ['101%', 'must be at most 100%'],
  ['-1%', 'must be bytes, such as 1048576, 16MiB or 1.5GB, or a percentage such as 10%'],
  ['half', 'must be bytes, such as 1048576, 16MiB or 1.5GB, or a percentage such as 10%'],
  ['1XB', 'unknown unit "XB" in size, which must be bytes, such as 1048576, 16MiB or 1.5GB'],
] as const) {
  test(`parsePortion: refuses ${text}`, () => {
    assert.deepEqual(parsePortion(text), new InvalidValue(why));
  });
}
