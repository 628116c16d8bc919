import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nameHash } from '../../../src/shared/name-hash.ts';

// A topic must fall on the same thread at every start.
const KNOWN = [
  ['', 0x5db4a501],
  ['a', 0x579640c7],
  ['foobar', 0x4c484dad],
] as const;
for (const [name, value] of KNOWN) {
  test(`nameHash: "${name}"`, () => {
    assert.equal(nameHash(name), value);
  });
}

test('nameHash: numbered names spread over threads', () => {
  const counts = [0, 0, 0, 0];
  for (let number = 0; number < 1000; number++) counts[nameHash(`topic${number}`) % 4]++;

  assert(Math.min(...counts) > 200, counts.join(' '));
});

test('nameHash: names that end alike are told apart by one bit each', () => {
  const counts = [0, 0, 0, 0];
  for (let number = 0; number < 1000; number++) {
    const topic = nameHash(`topic${number}`) % 2;
    counts[2 * topic + (nameHash(`topic${number}:channel`) % 2)]++;
  }

  assert(Math.min(...counts) > 200, counts.join(' '));
});
