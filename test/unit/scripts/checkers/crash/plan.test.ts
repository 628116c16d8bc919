import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brokerFlags, planLife } from '../../../../../scripts/checkers/crash/plan.ts';

test('crash plan: a seed always gives the same flags and lives', () => {
  const plan = (): unknown => [
    brokerFlags(7, 0),
    Array.from({ length: 20 }, (_, index) => {
      const { random, ...life } = planLife(7, index);
      return [life, random(1000)];
    }),
  ];

  const plans = [plan(), plan()];

  assert.deepEqual(plans[0], plans[1]);
});

test('crash plan: neighbouring seeds and lives differ, and every end comes', () => {
  const ends = new Set<string>();
  const operations = new Set<number>();

  for (let seed = 0; seed < 20; seed++) {
    for (let index = 0; index < 20; index++) {
      const life = planLife(seed, index);
      ends.add(life.end);
      operations.add(life.operations);
    }
  }

  assert.equal(ends.size, 6);
  assert.ok(operations.size > 250, `${operations.size} different numbers of operations`);
});
