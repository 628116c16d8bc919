import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nameHash } from '../../../src/shared/name-hash.ts';

// Published values of 32-bit FNV-1a: a topic must fall on the same thread in every version.
const KNOWN = [
  ['', 0x811c9dc5],
  ['a', 0xe40c292c],
  ['foobar', 0xbf9cf968],
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
