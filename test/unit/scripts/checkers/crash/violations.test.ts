import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Violations } from '../../../../../scripts/checkers/crash/violations.ts';

test('Violations: all are counted, the first ones are kept in words', () => {
  const violations = new Violations();

  for (let count = 0; count < 100; count++) violations.add('lost', `message ${count}`);
  violations.add('too early', 'message 7');

  assert.equal(violations.total, 101);
  assert.deepEqual(
    [...violations.counts],
    [
      ['lost', 100],
      ['too early', 1],
    ],
  );
  assert.equal(violations.texts.length, 20);
  assert.equal(violations.texts[0], 'lost: message 0');
});

test('Violations: ignored rules do not count', () => {
  const violations = new Violations(['lost']);

  violations.add('lost', 'message 0');

  assert.deepEqual([violations.total, violations.texts], [0, []]);
});
