import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sortedByName } from '../../../../src/main/stats/sorted-by-name.ts';
import { seededRandom } from '../../../support/seeded-random.ts';

const SEED = 20_261_128;

for (const count of [0, 1, 2, 2047, 2048, 2049, 4096, 20_000]) {
  test(`sortedByName: ${count} names, seed ${SEED}`, async () => {
    const random = seededRandom(SEED + count);
    const items = Array.from({ length: count }, () => ({
      name: random(count * 2).toString(36),
    }));

    const sorted = await sortedByName(items);

    const names = items.map(({ name }) => name).sort();
    assert.deepEqual(
      sorted.map(({ name }) => name),
      names,
    );
    assert.equal(new Set(sorted).size, count);
  });
}

test('sortedByName: of what is added and removed while it sorts, what was there first is there', async () => {
  const items = new Map(Array.from({ length: 5000 }, (_, n) => [n, { name: `n${n}` }]));

  const sorting = sortedByName(items.values());
  items.delete(4999);
  const sorted = await sorting;

  assert.equal(sorted.length, 4999);
});
